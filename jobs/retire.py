"""spark-submit entry point: `spark-submit jobs/retire.py GROUP@N`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["retire", *sys.argv[1:]]))
