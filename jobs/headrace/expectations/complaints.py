"""What is wrong with a declared expectation: each rule is one small function, `RULES` has them all."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping

from headrace.expectations import arguments, fitting
from headrace.expectations.catalog import CATALOG, COLUMN_ARGUMENTS, COLUMN_LIST_ARGUMENTS, Signature
from headrace.expectations.complaint import Complaint
from headrace.expectations.declaration import Expectation
from headrace.expectations.rowwise import ROWWISE
from headrace.expressions import DataType

Rule = Callable[[Expectation, Signature, Mapping[str, DataType]], Iterable[Complaint]]


def complaints(expectation: Expectation, columns: Mapping[str, DataType]) -> Iterator[Complaint]:
    """Everything that keeps an expectation from being judged, or makes it pointless.

    Args:
        expectation: As declared.
        columns: The columns of the batch it will be judged on, with their types.

    Yields:
        One complaint per finding, those about the whole expectation first.
    """
    signature = CATALOG.get(expectation.type)
    if signature is None:
        message = f"Great Expectations has no '{expectation.type}'"
        yield Complaint("unknown-expectation", message, _suggestion(expectation.type, CATALOG, alike=0.8))
        return
    found: set[tuple[str, str | None]] = set()
    for rule in RULES:
        for complaint in rule(expectation, signature, columns):
            # One finding an argument is enough: the others often follow from it.
            if complaint.argument is None or (complaint.code, complaint.argument) not in found:
                yield complaint
            found.add((complaint.code, complaint.argument))


def _supported(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    if signature.unsupported:
        yield Complaint(
            "expectation-unsupported", f"{expectation.type} cannot be a gate on Spark", signature.unsupported
        )


def _quarantine(expectation: Expectation, signature: Signature, columns: object) -> Iterator[Complaint]:
    if expectation.on_failure != "quarantine" or expectation.type in ROWWISE:
        return
    why = "it has no equal in SQL" if signature.rowwise else "it judges the whole batch, so no row of it is the bad one"
    yield Complaint(
        "expectation-quarantine",
        f"{expectation.type} cannot quarantine rows",
        f"{why}; drop on_failure",
        "on_failure",
    )


def _known_columns(
    expectation: Expectation, signature: Signature, columns: Mapping[str, DataType]
) -> Iterator[Complaint]:
    lower = {name.lower() for name in columns}
    for argument in (*COLUMN_ARGUMENTS, *COLUMN_LIST_ARGUMENTS):
        value = expectation.arguments.get(argument)
        names = value if isinstance(value, list | tuple) else [value]
        if argument not in signature.arguments:
            continue
        for name in names:
            if isinstance(name, str) and name.lower() not in lower:
                yield Complaint("unknown-column", f"no column '{name}'", _suggestion(name, columns), argument)


def _suggestion(name: str, options: Iterable[str], alike: float = 0.6) -> str | None:
    folded = {option.lower(): option for option in options}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=alike)
    return f"did you mean '{folded[close[0]]}'?" if close else None


RULES: tuple[Rule, ...] = (
    _supported,
    _quarantine,
    arguments.known,
    arguments.present,
    arguments.typed,
    arguments.bounded,
    arguments.mostly,
    arguments.listed,
    arguments.patterns,
    _known_columns,
    fitting.column_types,
    fitting.value_types,
    fitting.type_names,
)
