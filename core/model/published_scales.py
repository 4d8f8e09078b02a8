"""Scales in the topic of instruments, which define the integers already in the log."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from core.model.errors import UniverseError
from core.model.instruments import Universe
from core.model.scale import DEFAULT_EXPONENT, SCALE_ACTION


class _Published(msgspec.Struct):
    """The scale in an instrument's record; older records have none."""

    price_exponent: int = DEFAULT_EXPONENT
    size_exponent: int = DEFAULT_EXPONENT


def require_same_scales(universe: Universe, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
    """Refuse a universe in which an instrument's scale differs from the log.

    Args:
        universe: Universe of this process.
        records: Keys and values of the topic of instruments, oldest first; the last per key wins.

    Raises:
        UniverseError: The message names the first such instrument, both scales and what to do.
    """
    published: dict[bytes, _Published] = {}
    decoder = msgspec.json.Decoder(_Published)
    for key, value in records:
        if key is None:
            continue
        try:
            published[key] = decoder.decode(value or b"{}")
        except msgspec.MsgspecError:
            continue  # Not one of our records; ticks do not refer to it.
        if not value:
            del published[key]
    for instrument in universe.instruments:
        found = published.get(str(instrument.instrument_id).encode())
        if found is None:
            continue
        was = found.price_exponent, found.size_exponent
        now = instrument.price_exponent, instrument.size_exponent
        if was != now:
            raise UniverseError(
                f"{instrument.symbol} is in the log with price_exponent {was[0]} and size_exponent {was[1]}, "
                f"the universe says {now[0]} and {now[1]}",
                operator_action=SCALE_ACTION.format(symbol=instrument.symbol),
            )
