"""Ids, data and headers of events."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.events.events import (
    cloudevent_attributes,
    encode_data,
    event_data,
    event_id,
    event_key,
    event_time_text,
    kafka_headers,
    topic_of,
)
from core.model.errors import InputError
from core.model.event_families import EVENT_FAMILIES
from core.model.records import EventState
from tests.support.sample_events import (
    CLOSE_2024_07_11_NS,
    NO_EARLIER_CASE,
    candidate,
    opposite_day,
    strength,
)

PARTS = ("opposite_day_up", "5f0c3e1ab2d49c77", "RUT/SPX", "1d", 19915, 1)

GOLDEN = (
    '{"definition":"opposite_day_up","version":"5f0c3e1ab2d49c77",'
    '"title":"Up 3 % or more while the benchmark falls",'
    '"summary":"Small caps rose 3.57 % while large caps fell 0.88 %: first since 2008-10-10, '
    '2 times since 1990","family":"divergence",'
    '"pair":"RUT/SPX","numerator":"RUT","benchmark":"SPX","frequency":"1d","state":"opened",'
    '"previous_state":"candidate","episode":19915,"transition":1,"event_time":"2024-07-11",'
    '"knowable_time":"2024-07-11T20:00:00Z","values":{"benchmark_return_pct":-0.8759912346,'
    '"instrument_return_pct":3.571837265,"spread_pp":4.447828499},'
    '"threshold":{"instrument_return_pct":3.0},'
    '"legs":{"numerator":{"symbol":"RUT","previous_close":2051.76,"price":2125.04,'
    '"return_pct":3.571837265},"benchmark":{"symbol":"SPX","previous_close":5633.91,'
    '"price":5584.54,"return_pct":-0.8759912346}},'
    '"first_since":{"history_start":"1990-01-02","last_true":"2008-10-10","openings":1,"operator":">=",'
    '"previous_opening":"2008-10-10","series":"close","sessions_true":1},'
    '"openings_per_year":0.02897,"base_rate":null,"rarity":null,"tags":[],"quality":"ok",'
    '"reasons":{"base_rate":"not computed","rarity":"not computed"},'
    '"provenance":{"baseline":"bars.1d@0","catalogue":"c0ffee","universe":"beef"}}'
)


def test_the_id_is_the_hash_of_the_documented_bytes() -> None:
    canonical = '["opposite_day_up","5f0c3e1ab2d49c77","RUT/SPX","1d",19915,1]'
    assert event_id(*PARTS) == hashlib.sha256(canonical.encode()).hexdigest()[:32]


@pytest.mark.parametrize("place", range(len(PARTS)))
def test_every_part_changes_the_id(place: int) -> None:
    changed: list[Any] = list(PARTS)
    changed[place] = changed[place] + 1 if isinstance(changed[place], int) else changed[place] + "x"
    assert event_id(*changed) != event_id(*PARTS)


def test_parts_do_not_run_into_each_other() -> None:
    assert event_id("a", "b,c", "d", "1d", 1, 2) != event_id("a,b", "c", "d", "1d", 1, 2)
    assert event_id('a","b', "c", "d", "1d", 1, 2) != event_id("a", 'b","c', "d", "1d", 1, 2)


def test_numpy_numbers_give_the_same_id() -> None:
    row = np.array([(19915, 1)], [("session", "i4"), ("transition", "u1")])[0]
    assert event_id(*PARTS[:4], row["session"], row["transition"]) == event_id(*PARTS)


def test_the_bytes_of_an_event_stay_what_they_are() -> None:
    assert encode_data(opposite_day()) == GOLDEN.encode()


def test_the_order_of_a_mapping_does_not_change_the_bytes() -> None:
    event = opposite_day()
    backwards = opposite_day(
        values=dict(reversed([*event.values.items()])),
        legs=dict(reversed([*event.legs.items()])),
        provenance=dict(reversed([*event.provenance.items()])),
    )
    assert backwards == event
    assert encode_data(backwards) == encode_data(event)


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1.7976931345e308)  # guards: rounded up to infinity, it became a null without a reason
def test_a_float_keeps_ten_significant_digits(value: float) -> None:
    data = json.loads(encode_data(opposite_day(values={"x": value})))
    figure = data["values"]["x"]
    if math.isinf(float(f"{value:.9e}")):
        assert figure is None
        assert data["reasons"]["x"] == "unknown"
        return
    assert figure == pytest.approx(value, rel=5.1e-10, abs=5e-324)
    assert float(f"{figure:.9e}") == figure


def test_neighbouring_floats_beyond_ten_digits_give_the_same_bytes() -> None:
    value = 3.571837264512345
    apart = opposite_day(values={"x": value}), opposite_day(values={"x": np.nextafter(value, 4)})
    assert encode_data(apart[0]) == encode_data(apart[1])


def test_a_negative_zero_is_a_zero() -> None:
    assert b'"x":0.0' in encode_data(opposite_day(values={"x": -0.0}))


def test_numpy_scalars_are_plain_numbers() -> None:
    event = opposite_day(
        values={"count": np.int64(7), "x_pct": np.float64(1.5), "y_pct": np.float32(0.25)},
        episode=np.int64(19915),
    )
    data = json.loads(encode_data(event))
    assert data["values"] == {"count": 7, "x_pct": 1.5, "y_pct": 0.25}
    assert data["episode"] == 19915


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf, -math.inf, np.float64("nan")])
def test_what_is_unknown_is_null_with_a_reason(unknown: float | None) -> None:
    data = event_data(opposite_day(values={"x_pct": unknown}, quality="stale"))
    assert data["values"] == {"x_pct": None}
    assert data["reasons"] == {"base_rate": "not computed", "rarity": "not computed", "x_pct": "stale"}


def test_a_base_rate_and_tags_travel_as_they_are() -> None:
    supplied = {"n": 12, "horizons": [{"sessions": 5, "mean_pct": 0.123456789012, "interval_pct": None}]}
    rarity = {"count": 2, "by_chance": {"coin_flip": {"expected": 0.123456789012}}}
    data = event_data(opposite_day(base_rate=supplied, rarity=rarity, tags=("fomc", "cpi")))
    assert data["rarity"] == {"count": 2, "by_chance": {"coin_flip": {"expected": 0.123456789}}}
    assert data["base_rate"] == {
        "n": 12,
        "horizons": [{"sessions": 5, "mean_pct": 0.123456789, "interval_pct": None}],
    }
    assert data["tags"] == ["fomc", "cpi"]
    assert data["reasons"] == {"base_rate.horizons.0.interval_pct": "unknown"}


def test_the_reason_of_the_engine_stands() -> None:
    data = event_data(strength())
    assert data["values"] == {"spread_pp": None, "spread_zscore": 4.25}
    assert data["reasons"] == {
        "base_rate": "not computed",
        "first_since": "not computed",
        "openings_per_year": "no history",
        "rarity": "not computed",
        "spread_pp": "gap",
    }


def test_a_null_never_lacks_a_reason() -> None:
    data = event_data(opposite_day(values={"x": None}, legs={"numerator": {}}, provenance={"baseline": None}))
    assert data["reasons"] == {
        "base_rate": "not computed",
        "legs.benchmark.previous_close": "unknown",
        "legs.benchmark.price": "unknown",
        "legs.benchmark.return_pct": "unknown",
        "legs.numerator.previous_close": "unknown",
        "legs.numerator.price": "unknown",
        "legs.numerator.return_pct": "unknown",
        "provenance.baseline": "unknown",
        "rarity": "not computed",
        "x": "unknown",
    }


def test_no_earlier_case_says_since_when_there_is_none() -> None:
    data = event_data(opposite_day(first_since=NO_EARLIER_CASE))
    assert data["first_since"] == NO_EARLIER_CASE
    for name in ("first_since.last_true", "first_since.previous_opening"):
        assert data["reasons"][name] == "none since 1990-01-02"  # type: ignore[index]


@pytest.mark.parametrize(
    ("frequency", "state", "text"),
    [
        ("1d", "opened", "2024-07-11"),
        ("1d", "withdrawn", "2024-07-11"),
        ("1d", "candidate", "2024-07-11T20:00:00Z"),
        ("1m", "opened", "2024-07-11T20:00:00Z"),
        ("1s", "faded", "2024-07-11T20:00:00Z"),
    ],
)
def test_only_a_final_day_has_a_date_for_a_time(frequency: str, state: str, text: str) -> None:
    assert state in {each.label for each in EventState}
    assert event_time_text(frequency, state, 19915, CLOSE_2024_07_11_NS) == text


def test_headers_are_those_of_the_kafka_binding() -> None:
    event = candidate()
    assert dict(kafka_headers(event)) == {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_id": event.event_id.encode(),
        "ce_source": b"/rotascope/pairs/RUT/SPX",
        "ce_type": b"rotascope.divergence.opposite_day_up.candidate",
        "ce_subject": b"RUT/SPX",
        "ce_time": b"2024-07-11T14:31:00Z",
        "ce_dataschema": b"urn:rotascope:schema:event:divergence:2",
        "ce_partitionkey": b"RUT/SPX",
        "ce_definitionversion": b"5f0c3e1ab2d49c77",
    }
    assert kafka_headers(event)[0][0] == "content-type"
    assert event_key(event) == b"RUT/SPX"


def test_the_source_is_a_uri_reference_for_any_symbol() -> None:
    assert cloudevent_attributes(opposite_day(pair="^RUT/ES=F"))["source"] == "/rotascope/pairs/%5ERUT/ES%3DF"


def test_every_family_has_a_topic() -> None:
    topics = [topic_of(opposite_day(family=family)) for family in EVENT_FAMILIES]
    assert topics == [f"rotascope.events.{family}" for family in EVENT_FAMILIES]
    with pytest.raises(InputError, match="no topic for family 'weather'"):
        topic_of(opposite_day(family="weather"))


@pytest.mark.parametrize("pair", ["RUT", "RUT/", "/SPX", "BTC/USD/ETH"])
def test_a_pair_has_two_legs(pair: str) -> None:
    with pytest.raises(InputError, match="is not NUMERATOR/BENCHMARK"):
        encode_data(opposite_day(pair=pair))


def test_a_figure_that_json_cannot_hold_is_named() -> None:
    with pytest.raises(InputError, match=r"provenance\.when is a bytes"):
        encode_data(opposite_day(provenance={"when": b"\x00"}))


def test_lists_and_flags_in_the_provenance_are_kept() -> None:
    event = opposite_day(provenance={"baseline": [1, 2.5, True], "rebuilt": False})
    assert event_data(event)["provenance"] == {"baseline": [1, 2.5, True], "rebuilt": False}
