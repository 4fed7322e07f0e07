"""Commas inside parentheses of a plain value in flow style belong to the value."""

import time

import pytest

from headrace.documents import load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f: {e: nullif(x, 0), d: 1}", {"f": {"e": "nullif(x, 0)", "d": "1"}}),
        ("f: {e: g(h(1, 2), 3 ), d: 1}", {"f": {"e": "g(h(1, 2), 3 )", "d": "1"}}),
        ("f: {e: f(a,b)}", {"f": {"e": "f(a,b)"}}),
        ("f: [f(a, b), c]", {"f": ["f(a, b)", "c"]}),
        ("f: {w: x in (1, 2), v: [k(1, 2)]}", {"f": {"w": "x in (1, 2)", "v": ["k(1, 2)"]}}),
        ("f: {e: (x, y: 2}", {"f": {"e": "(x", "y": "2"}}),  # never closed: as YAML has it
        ("f: [k(1]", {"f": ["k(1"]}),
        ("f: {e: 'g(a', b: 2}", {"f": {"e": "g(a", "b": "2"}}),  # quoted: meant as it is
        ("f: {e: a), b: 2}", {"f": {"e": "a)", "b": "2"}}),
        ("f(a: 1", {"f(a": "1"}),  # block style has no such commas
    ],
)
def test_values(text: str, expected: object) -> None:
    (document,), problems = load(text, "f.yaml")
    assert document.value == expected
    assert problems == []


def test_items_of_a_parenthesis_that_never_closes() -> None:
    (document,), _ = load("v: [unknown (n/a, active, closed]", "f.yaml")
    assert document.value == {"v": ["unknown (n/a", "active", "closed"]}


def test_many_parentheses_take_no_longer_than_others() -> None:
    began = time.process_time()
    assert load(f"k: [{'(,' * 150_000}]", "f.yaml")[1][0].code == "yaml-too-large"
    assert time.process_time() - began < 8


def test_positions_after_a_rejoined_value() -> None:
    (document,), _ = load("f: {e: nullif(x, 0), d: 1}", "f.yaml")
    assert document.position(("f", "e")).column == 8
    assert document.position(("f", "d")).column == 25
