"""Gates: Great Expectations suites over batches, and the pages that show what they found."""

from headrace.quality.gate import run_gate, run_gates
from headrace.quality.outcome import GateResult, Outcome, Suite
from headrace.quality.quiet import warm_up

__all__ = ["GateResult", "Outcome", "Suite", "run_gate", "run_gates", "warm_up"]
