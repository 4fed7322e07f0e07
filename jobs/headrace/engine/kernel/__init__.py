"""The point-in-time kernel: a bucket of events and spine rows to merged states, in numpy, pyarrow and optional numba.

It knows windows and merges, neither aggregates nor Spark, and imports nothing else of the library: executors get it
in a zip.
"""

from headrace.engine.kernel.bucket import run_bucket
from headrace.engine.kernel.spec import Ask, BucketSpec, CategoryMap, Flavour, Window

__all__ = ["Ask", "BucketSpec", "CategoryMap", "Flavour", "Window", "run_bucket"]
