"""Runs command lines of Headrace, given as JSON lists, in one process; prints their outcomes as JSON."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from headrace.cli.app import run

outcomes = []
for line in sys.argv[1:]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(json.loads(line))
    outcomes.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(outcomes))
