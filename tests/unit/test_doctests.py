"""The examples in core's docstrings are true."""

import doctest
import importlib
from pathlib import Path

import pytest

import core.records

CORE = Path(core.records.__file__).parent
MODULES = sorted(
    ".".join(("core", *file.relative_to(CORE).with_suffix("").parts))
    for file in CORE.rglob("*.py")
    if file.name != "__init__.py"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert result.failed == 0


def test_the_modules_were_found() -> None:
    assert "core.frames" in MODULES
    assert "core.sessions" in MODULES
