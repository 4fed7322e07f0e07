"""spark-submit entry point: `spark-submit jobs/backfill.py --group G --from A --to B`."""

import sys

from headrace.cli.app import run

if __name__ == "__main__":
    sys.exit(run(["backfill", *sys.argv[1:]]))
