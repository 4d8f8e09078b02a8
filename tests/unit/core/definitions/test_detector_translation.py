"""The fixed table from detectors to rules: versions, names and numbers of earlier releases."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from core.definitions.catalogue import Catalogue, parse_catalogue, stored_definition
from core.definitions.definition import parse_definition
from core.definitions.detector_translation import detector_version, is_detector, rule_of_detector
from core.definitions.entry_text import entry_text
from core.model.errors import CatalogueError
from core.runtime.files import CATALOGUE, read_text
from tests.support.release_fixture import FOLDER

RELEASED = {
    "opposite_day_up": "1aa64af25e22",
    "opposite_day_down": "6c6131965fb2",
    "spread_z_1d": "796adfc84b8e",
    "spread_z_5d": "2e6b465cfd84",
    "spread_z_21d": "501cf6e88cec",
    "spread_z_15m": "c130051858f7",
    "nonconfirmation_high": "c5176a1ed023",
    "nonconfirmation_low": "ef781a4c8db2",
    "benchmark_nonconfirmation_high": "4c0477e6c257",
    "benchmark_nonconfirmation_low": "61f98ea05b7d",
    "strength_high_before_price": "c84bf9148a3c",
}
"""Versions under which release 8635366 published events of the shipped definitions."""

RELEASED_MARK = 7252971103818436987
"""Its settings mark of the shipped catalogue."""

MARK_BEFORE_EXTEND = 10412728973221419357
"""Settings mark of the shipped catalogue in releases with rules and without `extend`."""


def shipped() -> Catalogue:
    return parse_catalogue(read_text(None, CATALOGUE))


def stored(kind: str, **numbers: float) -> dict[str, Any]:
    """An entry as a snapshot of that release has it."""
    return {
        "id": "mine",
        "kind": kind,
        "frequency": "1d",
        "cool_down": 2,
        "expires": 0,
        "pairs": ["RUT/SPX"],
        "parameters": numbers,
    }


def test_the_shipped_rules_know_the_versions_they_were_released_under() -> None:
    known = {each.definition_id: each.detector_version for each in shipped().definitions}
    assert {name: version for name, version in known.items() if version is not None} == RELEASED


def test_a_settings_mark_of_that_release_asks_for_the_shipped_catalogue() -> None:
    catalogue = shipped()
    without_texts, before_extend = (
        int(each.meaning_digest[:16], 16) for each in (catalogue, catalogue.without_extend)
    )
    assert before_extend == MARK_BEFORE_EXTEND
    assert catalogue.marks == {catalogue.mark, without_texts, before_extend, RELEASED_MARK}


def test_a_catalogue_that_never_had_detectors_has_one_mark() -> None:
    text = '[[definition]]\nid = "a"\nfamily = "level"\nenter = ["return_1d_pct >= 3"]\n'
    catalogue = parse_catalogue(text)
    assert catalogue.marks == {catalogue.mark}


def test_a_released_catalogue_is_refused_with_rules_that_work() -> None:
    text = (FOLDER / "catalogue.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["definition"]
    detectors = [entry for entry in entries if is_detector(entry)]
    assert detectors
    with pytest.raises(CatalogueError) as refusal:
        parse_catalogue(text)
    message = refusal.value.message
    for entry in detectors:
        assert repr(entry["id"]) in message
        assert entry_text(rule_of_detector(entry)) in message
    rules = [entry for entry in entries if not is_detector(entry)]
    written = message.partition("rules:\n")[2] + "\n\n".join(map(entry_text, rules))
    assert len(parse_catalogue(written).definitions) == len(entries)


def test_names_and_numbers_of_events_stay() -> None:
    definition = parse_definition(rule_of_detector(stored("nonconfirmation", direction=-1, delta_pct=1.25)))
    assert definition.payload == {
        "numerator_close": "numerator_price",
        "numerator_previous_low": "numerator_low:252d",
        "benchmark_close": "benchmark_price",
        "benchmark_previous_low": "benchmark_low:252d",
        "instrument_return_pct": "instrument_return_pct:1d",
        "benchmark_return_pct": "benchmark_return_pct:1d",
    }
    assert definition.threshold == {"window_sessions": 252.0, "delta_pct": 1.25, "invalidation_pct": 2.0}
    assert (definition.family, definition.series, definition.operator) == ("divergence", "close", "<")
    assert (definition.cool_down, definition.pairs) == (2, ("RUT/SPX",))


def test_what_an_opposite_day_did_not_have_is_dropped() -> None:
    """It could be given an expiry, which never came."""
    entry = stored("opposite_day") | {"expires": 9}
    assert parse_definition(rule_of_detector(entry)).expires == 0


def test_a_stored_detector_is_read_as_the_rule_it_is() -> None:
    entry = stored("spread_z", horizon_sessions=5.0, direction=1.0, enter_z=2.0, exit_z=0.5)
    version = detector_version(entry)
    found = stored_definition(entry, version)
    assert found is not None
    assert found.published_as == version
    assert found.definition == parse_definition(rule_of_detector(entry))
    assert found.definition.version != version


@pytest.mark.parametrize(
    ("entry", "version"),
    [
        (stored("spread_z"), "0123456789ab"),
        (stored("spread_z", leader=1.0), None),
        (stored("spread_z") | {"frequency": "1h"}, None),
        (stored("opposite_day") | {"frequency": "1m"}, None),
        (stored("strength_high", window_sessions=100.0), None),
        (stored("strength_high", invalidation_pct=float("nan")), None),
        (stored("volcano"), None),
    ],
)
def test_what_means_something_else_is_not_taken(entry: dict[str, Any], version: str | None) -> None:
    try:
        own = detector_version(entry)
    except (CatalogueError, KeyError):
        own = "0123456789ab"
    assert stored_definition(entry, version or own) is None
