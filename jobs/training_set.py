"""spark-submit entry point: `spark-submit jobs/training_set.py NAME`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["training-set", *sys.argv[1:]]))
