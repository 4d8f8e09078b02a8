"""The examples in deploy's docstrings are true."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import deploy

ROOT = Path(deploy.__file__).parent
MODULES = sorted(
    ".".join(("deploy", *file.relative_to(ROOT).with_suffix("").parts))
    for file in ROOT.rglob("*.py")
    if file.name != "__init__.py" and ">>>" in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted
    assert result.failed == 0


def test_the_modules_with_examples_were_found() -> None:
    assert {"deploy.edge.exit_codes", "deploy.local.demo.story"} <= set(MODULES)
