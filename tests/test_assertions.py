"""Every test asserts something that can fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

# Calls that fail a test. `raises` does where nothing is raised.
CHECKS = frozenset({"raises", "fail", "warns"})
# What matches every message checks none.
ANY_MESSAGE = frozenset({"", ".", ".*", ".+", "^", "$"})

# What these check is that a call raises nothing, where it raises for a case beside it in the same file.
RAISES_NOTHING = frozenset(
    {
        "test_a_broker_that_is_away_is_no_refusal_of_librdkafka",
        "test_a_certificate_that_fits_is_accepted",
        "test_one_good_broker_of_two_is_enough",
    }
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_called(call: ast.Call) -> str:
    """The last part of what is called: `raises` of `pytest.raises`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def asserts_itself(function: Function) -> bool:
    """Whether its own body can fail a test; an assertion of a constant cannot."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert) and not isinstance(node.test, ast.Constant):
            return True
        if isinstance(node, ast.Call) and (
            name_called(node) in CHECKS or name_called(node).startswith("assert_")
        ):
            return True
    return False


@cache
def asserting_functions(source: str, depth: int = 3) -> set[str]:
    """Functions and methods of a file that can fail a test: by themselves, by each other, or by a helper.

    A helper is imported from a module of `tests`, and has an assertion there.
    """
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
    asserting = {name for name, function in functions.items() if asserts_itself(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            module = TESTS.parent / f"{(node.module or '').replace('.', '/')}.py"
            known = depth > 0 and module.exists()
            helpers = asserting_functions(module.read_text(encoding="utf-8"), depth - 1) if known else set()
            asserting |= {each.asname or each.name for each in node.names if each.name in helpers}
    grown = True
    while grown:
        calling = {
            name
            for name, function in functions.items()
            if name not in asserting
            and any(isinstance(n, ast.Call) and name_called(n) in asserting for n in ast.walk(function))
        }
        asserting |= calling
        grown = bool(calling)
    return asserting


def faults(source: str) -> Iterator[str]:
    """What is vacuous in a file of tests."""
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, Function)}
    asserting = asserting_functions(source)
    for name, function in functions.items():
        if name.startswith("test_") and name not in asserting | RAISES_NOTHING:
            yield f"{name}, line {function.lineno}: asserts nothing"
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant) and node.test.value:
            yield f"line {node.lineno}: asserts a constant"
        if isinstance(node, ast.Call) and name_called(node) in ("raises", "warns"):
            for keyword in node.keywords:
                value = keyword.value
                if (
                    keyword.arg == "match"
                    and isinstance(value, ast.Constant)
                    and str(value.value) in ANY_MESSAGE
                ):
                    yield f"line {node.lineno}: match={value.value!r} fits every message"


def test_no_test_is_vacuous() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    assert len(files) > 200
    found = {str(path.relative_to(TESTS)): list(faults(path.read_text(encoding="utf-8"))) for path in files}
    assert {file: problems for file, problems in found.items() if problems} == {}


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("def test_a():\n    run()\n", "test_a, line 1: asserts nothing"),
        ("def test_a():\n    assert True\n", "test_a, line 1: asserts nothing"),
        ("def test_a():\n    assert x\n    assert 1\n", "line 3: asserts a constant"),
        (
            'def test_a():\n    with pytest.raises(E, match=r".*"):\n        run()\n',
            "line 2: match=",
        ),
    ],
)
def test_what_is_vacuous_is_found(source: str, fault: str) -> None:
    assert any(found.startswith(fault) for found in faults(source))


def test_a_helper_may_assert() -> None:
    source = "def check(x):\n    assert x\ndef both(x):\n    check(x)\ndef test_a():\n    both(1)\n"
    assert list(faults(source)) == []
