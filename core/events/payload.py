"""Builds a self-explanatory event from a staged transition."""

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
from core.events.per_year import openings_per_year
from core.events.summary import Happened, LegNames, summary_of
from core.model.instruments import Pair
from core.model.records import EventState, Frequency, Quality
from core.model.scale import PairScales
from core.model.sessions import day_to_date
from core.model.timestamps import date_text

_FREQUENCIES: Final = tuple(frequency.label for frequency in Frequency)
_STATES: Final = tuple(state.label for state in EventState)
_QUALITIES: Final = tuple(quality.label for quality in Quality)
_SAID_OF_KNOWN: Final = (Quality.TRADED_VOLUME, Quality.MIXED_VOLUME)
"""Qualities of known values that an event names: they say which volume it is."""


def build_event(
    staged: np.void,
    watch: Watch,
    version: str,
    pair: Pair,
    names: LegNames,
    current: np.void,
    values: NDArray[np.float64],
    qualities: NDArray[np.uint8],
    legs: Mapping[str, Mapping[str, float | None]],
    history_start: int,
    session: int,
    provenance: Mapping[str, object],
    lookups: Lookups,
) -> Event:
    """Build the event of a transition, with its figures.

    Args:
        staged: One EVENT record.
        watch: The active definition that fired.
        version: Version under which the episode is published: the definition's own, or an earlier one.
        pair: The pair.
        names: Names of its legs.
        current: The pair's EPISODE record after the transition.
        values: float64 (outputs,): value of every output of the pair.
        qualities: uint8 (outputs,): their qualities.
        legs: Result of `leg_figures`.
        history_start: First session of the pair's history at this frequency, 0 for none; a
            newer definition counts from its own first session, with quality `rebuilt`.
        session: Session of the transition, days since 1970-01-01.
        provenance: Digests of the inputs of the computation.
        lookups: Base rates, rarity and tags.

    Returns:
        The event, ready to be published.
    """
    definition = watch.definition
    # One conversion for all fields costs as much as one for each.
    ts_event_ns, ts_knowable_ns, _, _, episode, transition, number, before, worth, _ = staged.item()
    state, quality = _STATES[number], _QUALITIES[worth]
    since = int(current["since"])
    if history_start:
        history_start = max(history_start, since)
    shown: dict[str, float | str | None] = {}
    reasons: dict[str, str] = {}
    for name, row in watch.payload:
        value = values.item(row)
        if math.isnan(value):
            shown[name] = None
            reasons[name] = _QUALITIES[qualities.item(row)]
            continue
        if qualities.item(row) in _SAID_OF_KNOWN:
            reasons[name] = _QUALITIES[qualities.item(row)]
        if name not in watch.dates:
            shown[name] = value
        elif value != 0.0:
            shown[name] = date_text(int(value))
        else:
            shown[name] = None
            reasons[name] = f"none since {date_text(history_start)}"
    if worth == Quality.OK and since:
        quality = Quality.REBUILT.label
    frequency = _FREQUENCIES[definition.frequency]
    first_since, unknown = _first_since(number, before, definition, current, history_start, session)
    reasons |= unknown
    per_year, why_not = openings_per_year(first_since, day_to_date(session))
    if why_not is not None:
        reasons["openings_per_year"] = why_not
    return Event(
        event_id=event_id(definition.definition_id, version, pair.name, frequency, episode, transition),
        definition=definition.definition_id,
        version=version,
        title=definition.title,
        summary=summary_of(
            definition.words,
            names,
            Happened(state, shown, watch.threshold, legs, reasons, first_since),
        ),
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
        first_since=first_since,
        openings_per_year=per_year,
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
    """Return both legs' price, previous official close and simple return.

    Args:
        prices: int64 (2, pairs): price, or minus a Quality.
        bases: int64 (windows, 2, pairs): window 0 is the previous close.
        row: The pair.
        scales: Scale factors of the pairs.

    Returns:
        `numerator` and `benchmark` → figures; None if unknown.
    """
    figures: dict[str, dict[str, float | None]] = {}
    for side, leg in enumerate(("numerator", "benchmark")):
        price, previous = prices.item(side, row), bases.item(0, side, row)
        # As integers: Python's integer division rounds only once.
        units = int(scales.price_units.item(side, row))
        figures[leg] = {
            "price": price / units if price > 0 else None,
            "previous_close": previous / units if previous > 0 else None,
            "return_pct": 100.0 * (price - previous) / previous if price > 0 and previous > 0 else None,
        }
    return figures


def _first_since(
    state: int, before: int, definition: Definition, current: np.void, history_start: int, session: int
) -> tuple[dict[str, object] | None, dict[str, str]]:
    """Return what came earlier within the supplied history, and the reason for each null.

    An opening is earlier if its episode is; a session is earlier if it is before that of the event.
    """
    # Before, a value was unknown, so it is not known whether the definition was true.
    start = max(history_start, int(current["decided_since"]))
    if history_start == 0 or current["decided_since"] == 0 or start >= session:
        return None, {"first_since": "no earlier session on which the definition could be decided"}
    ahead = state == EventState.CANDIDATE
    if state == EventState.WITHDRAWN:  # An open episode is withdrawn together with its definition.
        ahead = before == EventState.CANDIDATE
    if state == EventState.REVISED:  # The revision may have undone the episode's own opening.
        ahead = current["last_opened"] != current["episode"]
    opening = int(current["last_opened"] if ahead else current["previous_opened"])
    openings = int(current["openings"]) - (0 if ahead else 1)
    now = int(current["last_true"]) == session
    last_true = int(current["previous_true"] if now else current["last_true"])
    sessions_true: int | None = int(current["sessions_true"]) - now
    none, reasons = f"none since {date_text(start)}", {}
    if openings == 0:
        reasons["first_since.previous_opening"] = none
    recorded = int(current["true_since"])
    if recorded:
        none = f"not recorded before {date_text(recorded)}"
        sessions_true = None
        reasons["first_since.sessions_true"] = none
    if not last_true:
        reasons["first_since.last_true"] = none
    return {
        "last_true": date_text(last_true) if last_true else None,
        "previous_opening": date_text(opening) if openings else None,
        "history_start": date_text(start),
        "series": definition.series,
        "operator": definition.operator,
        "openings": openings,
        "sessions_true": sessions_true,
    }, reasons
