"""spark-submit entry point: `spark-submit jobs/materialize.py --group G --interval D`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["materialize", *sys.argv[1:]]))
