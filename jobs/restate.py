"""spark-submit entry point: `spark-submit jobs/restate.py --group G --from A --to B --reason WHY`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["restate", *sys.argv[1:]]))
