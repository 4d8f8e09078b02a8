"""The turns of threads are shortened for the process."""

from __future__ import annotations

import sys

import pytest

from core.runtime.interpreter_turns import TURN_S, shorten_turns


def test_turns_are_short() -> None:
    before = sys.getswitchinterval()
    try:
        shorten_turns()
        assert sys.getswitchinterval() == pytest.approx(TURN_S)
    finally:
        sys.setswitchinterval(before)
