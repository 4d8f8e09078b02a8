"""A universe is held against the scales in the log."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from core.model.errors import UniverseError
from core.model.instruments import Universe
from core.model.published_scales import require_same_scales
from producers.backfill.instruments import instrument_body
from tests.support.worlds import SML, small_universe


def with_scale(price: int, size: int) -> Universe:
    universe = small_universe()
    changed = tuple(
        replace(each, price_exponent=price, size_exponent=size) if each.instrument_id == SML else each
        for each in universe.instruments
    )
    return replace(universe, instruments=changed)


def records(universe: Universe) -> list[tuple[bytes | None, bytes | None]]:
    return [
        (str(each.instrument_id).encode(), msgspec.json.encode(instrument_body(each, benchmark=False)))
        for each in universe.instruments
    ]


def test_the_same_scales_pass() -> None:
    require_same_scales(with_scale(-15, 0), records(with_scale(-15, 0)))
    require_same_scales(with_scale(-15, 0), [])
    with pytest.raises(UniverseError):
        require_same_scales(with_scale(-15, 0), records(with_scale(-15, -1)))


def test_a_record_from_before_scales_is_in_the_default_one() -> None:
    old = [(str(SML).encode(), b'{"instrument_id": 1, "symbol": "SML"}')]
    require_same_scales(small_universe(), old)
    with pytest.raises(UniverseError, match=r"SML is in the log with price_exponent -9 and size_exponent -9"):
        require_same_scales(with_scale(-15, -9), old)


@pytest.mark.parametrize(("price", "size"), [(-15, 0), (-9, 0), (-10, -9)])
def test_another_scale_is_refused_with_what_to_do(price: int, size: int) -> None:
    with pytest.raises(UniverseError, match=f"the universe says {price} and {size}") as refused:
        require_same_scales(with_scale(price, size), records(small_universe()))
    assert refused.value.operator_action is not None
    assert "SML" in refused.value.operator_action
    assert "new id" in refused.value.operator_action


def test_the_last_record_of_an_instrument_holds() -> None:
    both = records(with_scale(-12, -9)) + records(small_universe())
    require_same_scales(small_universe(), both)
    with pytest.raises(UniverseError, match="price_exponent -12"):
        require_same_scales(small_universe(), both[: len(both) // 2])
    gone = [*records(with_scale(-12, -9)), (str(SML).encode(), b"")]
    require_same_scales(small_universe(), gone)


def test_what_is_no_record_of_an_instrument_says_nothing() -> None:
    nothing = [(None, b"x"), (str(SML).encode(), b"not JSON")]
    require_same_scales(small_universe(), nothing)
    with pytest.raises(UniverseError, match="SML"):
        require_same_scales(small_universe(), [*nothing, *records(with_scale(-12, -9))])
