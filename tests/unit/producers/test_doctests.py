"""The examples in the producers' docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import producers

ROOT = Path(producers.__file__).parent
MODULES = sorted(
    ".".join(("producers", *file.relative_to(ROOT).with_suffix("").parts))
    for file in ROOT.rglob("*.py")
    if ">>>" in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.attempted > 0
    assert result.failed == 0


def test_the_modules_were_found() -> None:
    assert {"producers.backoff", "producers.feeds.columns", "producers.watchdog"} <= set(MODULES)
