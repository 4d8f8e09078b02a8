"""The collector is off in the block, and as it was behind it."""

from __future__ import annotations

import gc

import pytest

from core.runtime.garbage import collector_paused


@pytest.mark.parametrize("on", [True, False])
def test_it_is_off_in_the_block_and_as_it_was_behind_it(on: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        seen: list[bool] = []
        with pytest.raises(ZeroDivisionError), collector_paused():
            seen.append(gc.isenabled() or bool(1 / 0))
        assert seen == []
        with collector_paused():
            seen.append(gc.isenabled())
        assert seen == [False]
        assert gc.isenabled() is on
    finally:
        (gc.enable if before else gc.disable)()
