"""spark-submit entry point: `spark-submit jobs/plan.py`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["plan", *sys.argv[1:]]))
