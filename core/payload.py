"""From a staged transition to an event that explains itself."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.catalogue import Definition
from core.detectors import Detector
from core.detectors.base import Column
from core.events import Event, event_id, event_time_text
from core.instruments import Pair
from core.lookups import Lookups
from core.records import PRICE_UNITS_PER_ONE, EventState, Quality
from core.timestamps import date_text


def build_event(
    staged: np.void,
    definition: Definition,
    detector: Detector,
    pair: Pair,
    life: np.void,
    columns: Mapping[str, Column],
    legs: Mapping[str, Mapping[str, float | None]],
    history_start: int,
    session: int,
    provenance: Mapping[str, object],
    lookups: Lookups,
) -> Event:
    """Say what happened, with the numbers behind it.

    Args:
        staged: One EVENT record.
        definition: The definition that fired.
        detector: Its detector.
        pair: The pair.
        life: The pair's LIFE record after the transition.
        columns: Every output's values and qualities by key.
        legs: From `leg_figures`.
        history_start: First session of the pair's history at this frequency, 0 for none; a
            definition that is younger counts from its own first session, and is `rebuilt`.
        session: Session of the transition, days since 1970-01-01.
        provenance: Digests that pin what the event was computed with.
        lookups: Where its base rate and its tags are found.

    Returns:
        The event, ready to be published.
    """
    row = int(staged["pair"])
    state = EventState(int(staged["state"]))
    quality = Quality(int(staged["quality"]))
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for name, key in detector.payload.items():
        column, qualities = columns[key]
        value = float(column[row])
        known = not np.isnan(value)
        values[name] = value if known else None
        if not known:
            reasons[name] = Quality(int(qualities[row])).label
    if quality is Quality.OK and life["since"]:
        quality = Quality.REBUILT
    if history_start:
        history_start = max(history_start, int(life["since"]))
    frequency = definition.frequency.label
    episode, transition = int(staged["episode"]), int(staged["transition"])
    return Event(
        event_id=event_id(
            definition.definition_id, definition.version, pair.name, frequency, episode, transition
        ),
        definition=definition.definition_id,
        version=definition.version,
        family=definition.family,
        pair=pair.name,
        frequency=frequency,
        state=state.label,
        previous_state=EventState(int(staged["previous_state"])).label,
        episode=episode,
        transition=transition,
        ts_event_ns=int(staged["ts_event"]),
        ts_knowable_ns=int(staged["ts_knowable"]),
        event_time=event_time_text(frequency, state.label, session, int(staged["ts_event"])),
        values=values,
        threshold=detector.threshold(definition.parameters),
        legs=legs,
        first_since=_first_since(staged, detector, life, history_start),
        reasons=reasons,
        quality=quality.label,
        provenance=provenance,
        base_rate=lookups.base_rate(definition, pair, int(staged["ts_knowable"])),
        tags=lookups.tags(session, int(staged["ts_knowable"])),
    )


def leg_figures(
    prices: NDArray[np.int64], bases: NDArray[np.int64], row: int
) -> dict[str, dict[str, float | None]]:
    """Both legs' price, previous official close and simple return.

    Args:
        prices: int64 (2, pairs): price, or minus a Quality.
        bases: int64 (windows, 2, pairs): window 0 is the previous close.
        row: The pair.

    Returns:
        `numerator` and `benchmark` → figures; None where unknown.
    """
    figures: dict[str, dict[str, float | None]] = {}
    for side, leg in enumerate(("numerator", "benchmark")):
        price, previous = int(prices[side, row]), int(bases[0, side, row])
        figures[leg] = {
            "price": price / PRICE_UNITS_PER_ONE if price > 0 else None,
            "previous_close": previous / PRICE_UNITS_PER_ONE if previous > 0 else None,
            "return_pct": 100.0 * (price - previous) / previous if price > 0 and previous > 0 else None,
        }
    return figures


def _first_since(
    staged: np.void, detector: Detector, life: np.void, history_start: int
) -> dict[str, object] | None:
    """The latest earlier opening within the history supplied, and how many there were."""
    if history_start == 0:  # The first day of all: there is nothing to be first since.
        return None
    state, before = EventState(int(staged["state"])), EventState(int(staged["previous_state"]))
    ahead = state is EventState.CANDIDATE
    if state is EventState.WITHDRAWN:  # An open episode is withdrawn with its definition.
        ahead = before is not EventState.OPENED
    if state is EventState.REVISED:  # It may have undone the episode's own opening.
        ahead = life["last_opened"] != life["episode"]
    earlier = int(life["last_opened"] if ahead else life["previous_opened"])
    count = int(life["openings"]) - (0 if ahead else 1)
    return {
        "date": date_text(earlier) if count > 0 else None,
        "history_start": date_text(history_start),
        "series": detector.series,
        "operator": detector.operator,
        "count": count,
    }
