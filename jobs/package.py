"""Packs the library for `spark-submit --py-files`: `python jobs/package.py dist/headrace.zip`."""

import sys
from pathlib import Path

from headrace.engine.packing import pack

if __name__ == "__main__":
    pack(Path(sys.argv[1]))
