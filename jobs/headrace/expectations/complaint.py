"""A finding about one expectation, before lint gives it a place in a file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with an expectation.

    Attributes:
        code: Stable kebab-case name, e.g. `expectation-argument`.
        message: What is wrong, in one line.
        hint: What to do about it.
        argument: The argument it is about, or None for the expectation as a whole.
    """

    code: str
    message: str
    hint: str | None = None
    argument: str | None = None
