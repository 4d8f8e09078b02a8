"""Only kernels go without annotations: mypy leaves untyped functions alone in the rooms that hold kernels."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MARKS = frozenset({"kernel", "inlined", "day_pass", "ring_pass"})
"""Decorators of functions whose types are Numba's."""


def relaxed_files() -> list[Path]:
    """Files of the modules in which mypy accepts functions without annotations."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
    patterns = [
        pattern
        for override in settings["overrides"]
        if override.get("disallow_untyped_defs") is False
        for pattern in override["module"]
    ]
    found = []
    for pattern in patterns:
        room = CHECKOUT.joinpath(*pattern.removesuffix(".*").split("."))
        found += sorted(room.rglob("*.py")) if pattern.endswith(".*") else [room.with_suffix(".py")]
    return found


def unmarked(source: str) -> list[str]:
    """Functions that lack annotations and are no kernels."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        own = [argument for argument in arguments if argument.arg not in ("self", "cls")]
        untyped = node.returns is None or any(argument.annotation is None for argument in own)
        names = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
        if untyped and not names & MARKS:
            found.append(node.name)
    return found


def test_the_rooms_with_kernels_are_looked_at() -> None:
    names = {path.relative_to(CHECKOUT).as_posix() for path in relaxed_files()}
    assert {"core/indicators/rsi.py", "core/kernels/rolling.py", "core/partition/ticks.py"} <= names


@pytest.mark.parametrize("path", relaxed_files(), ids=lambda path: path.stem)
def test_what_has_no_annotations_is_a_kernel(path: Path) -> None:
    assert unmarked(path.read_text("utf-8")) == []


@pytest.mark.parametrize("source", ["def f(a): ...", "def f(a) -> int: ...", "@other\ndef f(a: int): ..."])
def test_the_check_finds_a_planted_function(source: str) -> None:
    assert unmarked(source) == ["f"]
    assert unmarked(f"@inlined\n{source}") == []
