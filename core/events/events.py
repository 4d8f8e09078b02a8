"""Content and encoding of events: deterministic ids, JSON data, CloudEvents in Kafka.

The same event gives the same bytes on every machine: no clock, no locale, no random ids, floats with
ten significant digits, keys in a fixed order. An unknown value is `null`, with its reason in `reasons`.
A known value that rests on volume has its quality there unless that is `ok` (published volumes).
A key of `reasons` is the name of a value (`spread_pp`), the name of a field (`first_since`), or the
dotted path of a nested field (`legs.benchmark.price`).
"""

from __future__ import annotations

import hashlib
import math
import numbers
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from core.model.errors import InputError
from core.model.event_families import EVENT_FAMILIES
from core.model.records import EventState, Frequency, Quality
from core.model.schemas import event_schema_id
from core.model.timestamps import date_text, rfc3339
from core.model.topics import EVENTS_PREFIX

LEGS: Final = ("numerator", "benchmark")
LEG_FIELDS: Final = ("previous_close", "price", "return_pct")
SIGNIFICANT_DIGITS: Final = 10

_FIGURE: Final = f"%.{SIGNIFICANT_DIGITS - 1}e"
_PLAIN_TYPES: Final = frozenset({str, int, bool})
_DAY: Final = Frequency.DAY.label
_CANDIDATE: Final = EventState.CANDIDATE.label
_USABLE: Final = frozenset(
    quality.label for quality in (Quality.OK, Quality.REBUILT, Quality.TRADED_VOLUME, Quality.MIXED_VOLUME)
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of an episode.

    Args:
        event_id: From `event_id`; equal for the same transition in every run.
        definition: Definition id in the catalogue.
        version: Hash of the definition's parameters and semantics.
        title: What the definition looks for, in words.
        summary: From `core.events.summary.summary_of`.
        family: One of `EVENT_FAMILIES`.
        pair: `NUMERATOR/BENCHMARK`.
        frequency: `1s`, `1m` or `1d`.
        state: The state entered, an `EventState` label.
        previous_state: The state left; `idle` for the first transition of an episode.
        episode: Session (days since 1970-01-01) or grid second at which the episode started.
        transition: Number of this transition within its episode.
        ts_event_ns: The bar or grid second that triggered it, ns UTC.
        ts_knowable_ns: Earliest event time at which it could be known, ns UTC.
        event_time: From `event_time_text`.
        values: Name with its unit (`_pct`, `_pp`, …) → value, `_date` → a date; None or NaN is unknown.
        threshold: Thresholds of the values, in the same units.
        legs: `numerator` and `benchmark` → `LEG_FIELDS`; a missing figure is unknown.
        first_since: {last_true, previous_opening, history_start, series, operator, openings, sessions_true}:
            the last earlier session on which the definition was true and the last earlier opening in the
            history supplied, and how many of each; a date is None if there is none. None for a
            definition without such a record.
        openings_per_year: From `core.events.per_year.openings_per_year`; None if unknown.
        reasons: Reason for each null, and the quality of known values that say which volume they rest on;
            keys as described in the module docstring.
        quality: A `Quality` label.
        provenance: Digests of catalogue, universe and calendars, and of the artefacts of base rates and tags.
        base_rate: Base rates of earlier events of the definition; None if not supplied.
        rarity: Chance frequency of such events; None if not supplied.
        tags: Names of dated events whose window contains the session.
    """

    event_id: str
    definition: str
    version: str
    title: str
    summary: str
    family: str
    pair: str
    frequency: str
    state: str
    previous_state: str
    episode: int
    transition: int
    ts_event_ns: int
    ts_knowable_ns: int
    event_time: str
    values: Mapping[str, float | str | None]
    threshold: Mapping[str, float]
    legs: Mapping[str, Mapping[str, float | None]]
    first_since: Mapping[str, object] | None
    reasons: Mapping[str, str]
    quality: str
    provenance: Mapping[str, object]
    openings_per_year: float | None = None
    base_rate: Mapping[str, object] | None = None
    rarity: Mapping[str, object] | None = None
    tags: tuple[str, ...] = ()


def event_id(definition: str, version: str, pair: str, frequency: str, episode: int, transition: int) -> str:
    """Return the id of a transition, derived from its content, so that repeats can be recognised.

    The bytes hashed are the UTF-8 of the JSON array of the six arguments in this order, without
    spaces and with unescaped non-ASCII letters; the id can be recomputed from the data.

    Returns:
        The first 32 hexadecimal digits of the SHA-256.

    Example:
        >>> event_id("opposite_day_up", "1f", "RUT/SPX", "1d", 19915, 1)
        '2b00f879930a6029e5db2c61dec74531'
    """
    parts = [definition, version, pair, frequency, int(episode), int(transition)]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def event_time_text(frequency: str, state: str, session_day: int, ts_event_ns: int) -> str:
    """Format the time of an event, as precisely as known.

    Args:
        frequency: `1s`, `1m` or `1d`.
        state: The state entered.
        session_day: Days since 1970-01-01 of the session it belongs to.
        ts_event_ns: The bar or grid second that triggered it, ns UTC.

    Returns:
        The session's date if a final day bar decided; the time for candidates and intraday
        definitions.

    Example:
        >>> event_time_text("1d", "opened", 19915, 1720728000_000000000)
        '2024-07-11'
        >>> event_time_text("1d", "candidate", 19915, 1720708260_000000000)
        '2024-07-11T14:31:00Z'
    """
    if frequency == _DAY and state != _CANDIDATE:
        return date_text(session_day)
    return rfc3339(ts_event_ns)


def event_data(event: Event) -> dict[str, object]:
    """Build the JSON data of an event.

    Args:
        event: The event; its figures may be NumPy scalars.

    Returns:
        Plain strings, numbers, dicts and None, with keys in published order, sorted inside open
        mappings. Every null has a reason in `reasons`.

    Raises:
        InputError: A pair without two legs, or a value that JSON cannot represent.
    """
    symbols = dict(zip(LEGS, _leg_symbols(event.pair), strict=True))
    nulls: dict[str, str] = {}
    unknown = "unknown" if event.quality in _USABLE else event.quality
    first_since = None if event.first_since is None else dict(event.first_since)
    if first_since is None:
        nulls["first_since"] = "not computed"
    else:
        none = f"none since {first_since.get('history_start')}"
        for name in ("last_true", "previous_opening"):
            if first_since.get(name) is None:
                nulls[f"first_since.{name}"] = none
    if event.base_rate is None:
        nulls["base_rate"] = "not computed"
    if event.rarity is None:
        nulls["rarity"] = "not computed"
    data: dict[str, object] = {
        "definition": event.definition,
        "version": event.version,
        "title": event.title,
        "summary": event.summary,
        "family": event.family,
        "pair": event.pair,
        **symbols,
        "frequency": event.frequency,
        "state": event.state,
        "previous_state": event.previous_state,
        "episode": int(event.episode),
        "transition": int(event.transition),
        "event_time": event.event_time,
        "knowable_time": rfc3339(event.ts_knowable_ns),
        "values": {name: _plain(value, name, unknown, nulls) for name, value in sorted(event.values.items())},
        "threshold": _plain(event.threshold, "threshold", unknown, nulls),
        "legs": {
            leg: {"symbol": symbols[leg], **_leg(event.legs.get(leg, {}), leg, unknown, nulls)}
            for leg in LEGS
        },
        "first_since": _plain(first_since, "first_since", unknown, nulls),
        "openings_per_year": _plain(event.openings_per_year, "openings_per_year", unknown, nulls),
        "base_rate": _plain(event.base_rate, "base_rate", unknown, nulls),
        "rarity": _plain(event.rarity, "rarity", unknown, nulls),
        "tags": list(event.tags),
        "quality": event.quality,
    }
    provenance = _plain(event.provenance, "provenance", unknown, nulls)
    data["reasons"] = dict(sorted((nulls | dict(event.reasons)).items()))
    data["provenance"] = provenance
    return data


def encode_data(event: Event) -> bytes:
    """Encode `event_data` as compact UTF-8 JSON: equal events give equal bytes."""
    return msgspec.json.encode(event_data(event))


def cloudevent_attributes(event: Event) -> dict[str, str]:
    """Return the CloudEvents context of an event.

    Returns:
        Attribute name → value. `source` is the pair, never a partition, so that (source,
        id) stays unique when the number of partitions changes.

    Source:
        CloudEvents 1.0.2, "Context Attributes"; Partitioning extension (`partitionkey`).
    """
    numerator, benchmark = (quote(symbol, safe="") for symbol in _leg_symbols(event.pair))
    return {
        "specversion": "1.0",
        "id": event.event_id,
        "source": f"/rotascope/pairs/{numerator}/{benchmark}",
        "type": f"rotascope.{event.family}.{event.definition}.{event.state}",
        "subject": event.pair,
        "time": rfc3339(event.ts_knowable_ns),
        "datacontenttype": "application/json",
        "dataschema": event_schema_id(event.family),
        "partitionkey": event.pair,
        "definitionversion": event.version,
    }


def kafka_headers(event: Event) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of an event in binary content mode.

    Source:
        CloudEvents Kafka Protocol Binding 1.0.2, §3.2: `datacontenttype` becomes
        `content-type`, every other attribute takes the prefix `ce_`, values are UTF-8.
    """
    attributes = cloudevent_attributes(event)
    content_type = attributes.pop("datacontenttype")
    headers = [("content-type", content_type.encode())]
    return headers + [(f"ce_{name}", value.encode()) for name, value in attributes.items()]


def event_key(event: Event) -> bytes:
    """Return the Kafka key, which keeps the events of a pair in order."""
    return event.pair.encode()


def topic_of(event: Event) -> str:
    """Return the topic of an event's family.

    Raises:
        InputError: The family has no topic.
    """
    if event.family not in EVENT_FAMILIES:
        raise InputError(f"no topic for family {event.family!r}; families are {', '.join(EVENT_FAMILIES)}")
    return EVENTS_PREFIX + event.family


def _leg_symbols(pair: str) -> tuple[str, str]:
    numerator, slash, benchmark = pair.partition("/")
    if not (numerator and slash and benchmark) or "/" in benchmark:
        raise InputError(f"pair {pair!r} is not NUMERATOR/BENCHMARK")
    return numerator, benchmark


def _leg(
    figures: Mapping[str, float | None], leg: str, unknown: str, nulls: dict[str, str]
) -> dict[str, object]:
    names = sorted({*LEG_FIELDS, *figures})
    return {name: _plain(figures.get(name), f"legs.{leg}.{name}", unknown, nulls) for name in names}


def _plain(value: object, path: str, unknown: str, nulls: dict[str, str]) -> object:
    """Convert a figure or a mapping of figures to JSON values; record each null under `path`."""
    # Concrete classes first: to ask an abstract one costs ten times as much, and a study asks for millions.
    if type(value) in _PLAIN_TYPES:
        return value
    if isinstance(value, float):
        return _figure(value, path, unknown, nulls)
    if isinstance(value, dict):
        return _table(value, path, unknown, nulls)
    if value is None:
        nulls.setdefault(path, unknown)
        return None
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}.{row}", unknown, nulls) for row, item in enumerate(value)]
    if isinstance(value, bool | str):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return _figure(float(value), path, unknown, nulls)
    if isinstance(value, Mapping):
        return _table(value, path, unknown, nulls)
    raise InputError(f"{path} is a {type(value).__name__}, which JSON cannot represent")


def _figure(value: float, path: str, unknown: str, nulls: dict[str, str]) -> float | None:
    # Adding zero turns -0.0 into 0.0: equal events must not differ in an invisible sign.
    rounded = float(_FIGURE % value) + 0.0
    if math.isfinite(rounded):
        return rounded
    nulls.setdefault(path, unknown)
    return None


def _table(table: Mapping[Any, object], path: str, unknown: str, nulls: dict[str, str]) -> dict[str, object]:
    plain: dict[str, object] = {}
    for key in sorted(table):
        item = table[key]
        # Most items; a call and a path for each would double the time of an event.
        if type(item) in _PLAIN_TYPES:
            plain[str(key)] = item
        elif type(item) is float and math.isfinite(rounded := float(_FIGURE % item)):
            plain[str(key)] = rounded + 0.0
        else:
            plain[str(key)] = _plain(item, f"{path}.{key}", unknown, nulls)
    return plain
