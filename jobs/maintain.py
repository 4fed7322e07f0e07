"""spark-submit entry point: `spark-submit jobs/maintain.py [GROUP]`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["maintain", *sys.argv[1:]]))
