"""`kind: test` definitions: `computing` gives the values, `comparing` judges them, `running` orders both."""

from headrace.runner.definition_tests.comparing import Mismatch
from headrace.runner.definition_tests.running import TestResult, run_tests

__all__ = ["Mismatch", "TestResult", "run_tests"]
