"""The examples in the replay's docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import producers.replay

MODULES = sorted(
    file.stem for file in Path(producers.replay.__file__).parent.glob("*.py") if file.stem != "__init__"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"producers.replay.{name}"))
    assert result.failed == 0


def test_the_modules_with_examples_were_found() -> None:
    assert {"sip_flags", "wire", "player", "days", "listings"} <= set(MODULES)
