"""Expectations as declarations: Great Expectations' names and arguments, without importing it."""

from headrace.expectations.catalog import CATALOG, Argument, Signature
from headrace.expectations.complaint import Complaint
from headrace.expectations.complaints import complaints
from headrace.expectations.declaration import Expectation, OnFailure, Severity
from headrace.expectations.implied import expected_output, expected_source, with_implied
from headrace.expectations.rowwise import ROWWISE, violation

__all__ = [
    "CATALOG",
    "ROWWISE",
    "Argument",
    "Complaint",
    "Expectation",
    "OnFailure",
    "Severity",
    "Signature",
    "complaints",
    "expected_output",
    "expected_source",
    "violation",
    "with_implied",
]
