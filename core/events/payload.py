"""From a staged transition to an event that explains itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.definitions.definition import Definition
from core.definitions.watch import Watch
from core.events.events import Event, event_id, event_time_text
from core.events.lookups import Lookups
from core.model.instruments import Pair
from core.model.records import EventState, Frequency, Quality
from core.model.scale import PairScales
from core.model.timestamps import date_text

_FREQUENCIES: Final = tuple(frequency.label for frequency in Frequency)
_STATES: Final = tuple(state.label for state in EventState)
_QUALITIES: Final = tuple(quality.label for quality in Quality)


def build_event(
    staged: np.void,
    watch: Watch,
    version: str,
    pair: Pair,
    life: np.void,
    values: NDArray[np.float64],
    qualities: NDArray[np.uint8],
    legs: Mapping[str, Mapping[str, float | None]],
    history_start: int,
    session: int,
    provenance: Mapping[str, object],
    lookups: Lookups,
) -> Event:
    """Say what happened, with the numbers behind it.

    Args:
        staged: One EVENT record.
        watch: The definition that fired, at work.
        version: Under which the episode is told: the definition's own, or an earlier one.
        pair: The pair.
        life: The pair's LIFE record after the transition.
        values: float64 (outputs,): the pair's value of every output.
        qualities: uint8 (outputs,): their qualities.
        legs: From `leg_figures`.
        history_start: First session of the pair's history at this frequency, 0 for none; a
            definition that is younger counts from its own first session, and is `rebuilt`.
        session: Session of the transition, days since 1970-01-01.
        provenance: Digests that pin what the event was computed with.
        lookups: Where its base rate, its rarity and its tags are found.

    Returns:
        The event, ready to be published.
    """
    definition = watch.definition
    # One conversion for all fields: each by itself costs as much.
    ts_event_ns, ts_knowable_ns, _, _, episode, transition, number, before, worth, _ = staged.item()
    state, quality = _STATES[number], _QUALITIES[worth]
    since = int(life["since"])
    if history_start:
        history_start = max(history_start, since)
    shown: dict[str, float | str | None] = {}
    reasons: dict[str, str] = {}
    for name, row in watch.payload:
        value = values.item(row)
        if math.isnan(value):
            shown[name] = None
            reasons[name] = _QUALITIES[qualities.item(row)]
        elif name not in watch.dates:
            shown[name] = value
        elif value > 0.0:
            shown[name] = date_text(int(value))
        else:
            shown[name] = None
            reasons[name] = f"none since {date_text(history_start)}"
    if worth == Quality.OK and since:
        quality = Quality.REBUILT.label
    frequency = _FREQUENCIES[definition.frequency]
    return Event(
        event_id=event_id(definition.definition_id, version, pair.name, frequency, episode, transition),
        definition=definition.definition_id,
        version=version,
        family=definition.family,
        pair=pair.name,
        frequency=frequency,
        state=state,
        previous_state=_STATES[before],
        episode=episode,
        transition=transition,
        ts_event_ns=ts_event_ns,
        ts_knowable_ns=ts_knowable_ns,
        event_time=event_time_text(frequency, state, session, ts_event_ns),
        values=shown,
        threshold=watch.threshold,
        legs=legs,
        first_since=_first_since(number, before, definition, life, history_start),
        reasons=reasons,
        quality=quality,
        provenance=provenance,
        base_rate=lookups.base_rate(definition, pair, ts_knowable_ns),
        rarity=lookups.rarity(definition, pair, ts_knowable_ns),
        tags=lookups.tags(session, ts_knowable_ns),
    )


def leg_figures(
    prices: NDArray[np.int64], bases: NDArray[np.int64], row: int, scales: PairScales
) -> dict[str, dict[str, float | None]]:
    """Both legs' price, previous official close and simple return.

    Args:
        prices: int64 (2, pairs): price, or minus a Quality.
        bases: int64 (windows, 2, pairs): window 0 is the previous close.
        row: The pair.
        scales: What the legs' units are.

    Returns:
        `numerator` and `benchmark` → figures; None where unknown.
    """
    figures: dict[str, dict[str, float | None]] = {}
    for side, leg in enumerate(("numerator", "benchmark")):
        price, previous = prices.item(side, row), bases.item(0, side, row)
        # As integers: Python divides whole numbers of any size with one rounding.
        units = int(scales.price_units.item(side, row))
        figures[leg] = {
            "price": price / units if price > 0 else None,
            "previous_close": previous / units if previous > 0 else None,
            "return_pct": 100.0 * (price - previous) / previous if price > 0 and previous > 0 else None,
        }
    return figures


def _first_since(
    state: int, before: int, definition: Definition, life: np.void, history_start: int
) -> dict[str, object] | None:
    """The latest earlier opening within the history supplied, and how many there were."""
    if history_start == 0:  # The first day of all: there is nothing to be first since.
        return None
    ahead = state == EventState.CANDIDATE
    if state == EventState.WITHDRAWN:  # An open episode is withdrawn with its definition.
        ahead = before == EventState.CANDIDATE
    if state == EventState.REVISED:  # It may have undone the episode's own opening.
        ahead = life["last_opened"] != life["episode"]
    earlier = int(life["last_opened"] if ahead else life["previous_opened"])
    count = int(life["openings"]) - (0 if ahead else 1)
    return {
        "date": date_text(earlier) if count > 0 else None,
        "history_start": date_text(history_start),
        "series": definition.series,
        "operator": definition.operator,
        "count": count,
    }
