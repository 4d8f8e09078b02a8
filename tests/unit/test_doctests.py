"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    ".".join(file.relative_to(CHECKOUT).with_suffix("").parts)
    for package in ("core", "producers", "consumers", "deploy")
    for file in (CHECKOUT / package).rglob("*.py")
    if file.name != "__init__.py" and ">>>" in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "core.model.frames",
        "core.research.bootstrap",
        "core.runtime.exit_codes",
        "producers.feeds.columns",
        "producers.replay.wire",
        "deploy.demo.story",
    ],
)
def test_the_modules_with_examples_were_found(name: str) -> None:
    assert name in MODULES
