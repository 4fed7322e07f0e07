"""spark-submit entry point: `spark-submit jobs/apply.py`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["apply", *sys.argv[1:]]))
