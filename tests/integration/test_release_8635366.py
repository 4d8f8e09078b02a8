"""A snapshot and the log behind it, made by release 8635366, restore in this release and go on.

No life is lost, and every event of the rest of the log is as that release gave it, but for what
`tests.equality.fields` lets differ: the version of a definition, the id that hashes it, and wording. A life
that was open or a candidate at the snapshot keeps the id and the version it was told under until it ends,
even where this release gives its definition another version.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import pytest
from msgspec.structs import replace

from consumers.snapshots.restore import Opened, open_partition
from consumers.snapshots.store import SnapshotStore
from consumers.worker.publications import event_record
from core.definitions.catalogue import Catalogue, parse_catalogue
from core.engine.engine import PartitionEngine
from core.events.events import Event
from core.model.records import EventState
from tests.equality.fields import ABSENT, EVENTS, Record, differing
from tests.support.logs import Run, run
from tests.support.release_fixture import (
    PARTITION,
    released_calendars,
    released_partition,
    released_universe,
)

pytestmark = [pytest.mark.integration, pytest.mark.compiled]

ADDED_SINCE: Final = ("provenance.calendars",)
"""Fields of an event's data that later releases say besides."""
SCHEMA: Final = "ce_dataschema"
EARLIER_NAMES: Final = {"openings": "count", "previous_opening": "date"}
"""Fields of first_since that had another name."""
VOLUME_KINDS: Final = ("traded_volume", "mixed_volume")
"""Later releases say which volume a value rests on, in quality and reasons; the value is the same."""
BARS_SHA256: Final = "0e9a4f14008921854bd98746ff06bed482506abfd6a565d677d60c99d4b4d77c"
"""Of the bars of the rest. That release's day bars left the official close out of their high and low."""
KINDS: Final = frozenset({"opposite_day", "spread_z", "nonconfirmation", "strength_high", "rule"})
"""Kinds of definition in that release: four detectors and the rule."""

Episode = tuple[str, str, int]
"""Definition, pair, episode."""


def opened_with(catalogue: Catalogue) -> Opened[PartitionEngine]:
    """Restore as a worker does that was started with this catalogue."""

    def make_engine() -> PartitionEngine:
        return PartitionEngine(
            released_universe(), catalogue, released_calendars(), partition=PARTITION, partitions=1
        )

    given = released_partition()
    return open_partition(
        make_engine,
        given.committed,
        SnapshotStore(given.snapshots),
        partition=PARTITION,
        begin_offset=given.committed.offset,
        end_offset=given.end_offset,
    )


def stored_catalogue() -> Catalogue:
    """The catalogue of the snapshot, as this release reads it."""
    return opened_with(Catalogue(())).engine.evaluator.catalogue


def rest_of_the_log(engine: PartitionEngine) -> Run:
    """Step everything behind the snapshot."""
    given = released_partition()
    return run(engine, given.frames, first_offset=given.committed.offset)


@cache
def gone_on() -> Run:
    """The rest of the log, under the definitions of the snapshot."""
    return rest_of_the_log(opened_with(Catalogue(())).engine)


def published(event: Event) -> Record:
    """An event as a reader finds it."""
    record = event_record(event)
    data = json.loads(record.value)
    for path in ADDED_SINCE:
        table, _, name = path.rpartition(".")
        data[table].pop(name, None)
    headers = {name: value.decode() for name, value in record.headers}
    headers[SCHEMA] = headers[SCHEMA].removesuffix(":2") + ":1"
    return {
        "topic": record.topic,
        "key": (record.key or b"").decode(),
        "headers": headers,
        "data": in_earlier_form(data),
    }


def in_earlier_form(data: dict[str, Any]) -> dict[str, Any]:
    """Event data with the `first_since` of that release, which named the previous opening alone."""
    since, reasons = data["first_since"], data["reasons"]
    for name in ("last_true", "sessions_true"):
        reasons.pop(f"first_since.{name}", None)
    for name, before in EARLIER_NAMES.items():
        if f"first_since.{name}" in reasons:
            reasons[f"first_since.{before}"] = reasons.pop(f"first_since.{name}")
    if since is not None:
        kept = {name: value for name, value in since.items() if name not in ("last_true", "sessions_true")}
        data["first_since"] = {EARLIER_NAMES.get(name, name): value for name, value in kept.items()}
    return data


def without_extensions(events: Sequence[Event]) -> list[Event]:
    """The events that release knew, numbered as it numbered them; no episode of its own is extended."""
    extended: Counter[Episode] = Counter()
    found = []
    for event in events:
        if event.state == EventState.EXTENDED.label:
            assert episode_of(event) not in alive_at_the_snapshot()
            extended[episode_of(event)] += 1
        else:
            found.append(replace(event, transition=event.transition - extended[episode_of(event)]))
    return found


def as_released(ours: list[Event], theirs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say in what two lists of events differ, one line a field."""
    problems = [] if len(ours) == len(theirs) else [f"{len(ours)} events, and {len(theirs)} of the release"]
    for event, stored in zip(ours, theirs, strict=False):
        base = {name: value for name, value in stored.items() if name != "offset"}
        for path, (was, now) in differing(EVENTS, base, published(event)).items():
            added = was == ABSENT and path.endswith("openings_per_year")  # That release had none.
            if added or (now in VOLUME_KINDS and was in ("ok", ABSENT)):
                continue
            problems.append(f"{event.definition} {event.pair} {event.event_time}: {path} {was!r} → {now!r}")
    return problems


def episode_of(event: Event) -> Episode:
    return event.definition, event.pair, event.episode


def alive_at_the_snapshot() -> dict[Episode, str]:
    """Episodes that were open or ahead → the version they were told under."""
    return {(life.definition, life.pair, life.episode): life.version for life in released_partition().alive}


def names_kept(events: Sequence[Event]) -> int:
    """Count events of episodes that were open at the snapshot; each has the release's id and version."""
    stored = {
        tuple(event["data"][name] for name in ("definition", "pair", "episode", "transition", "state")): event
        for event in released_partition().events
    }
    versions, kept = alive_at_the_snapshot(), 0
    for event in events:
        version = versions.get(episode_of(event))
        if version is not None:
            was = stored[*episode_of(event), event.transition, event.state]
            assert event.version == version
            assert event.event_id == was["headers"]["ce_id"]
            kept += 1
    return kept


def test_the_fixture_holds_lives_of_every_kind_and_what_becomes_of_them() -> None:
    given = released_partition()
    kind_of = {life.definition: life.kind for life in given.alive}
    assert set(kind_of.values()) == KINDS
    assert {life.state for life in given.alive} == {"candidate", "opened", "confirmed"}
    episodes = alive_at_the_snapshot()
    followed = Counter(
        kind_of[event["data"]["definition"]]
        for event in given.events
        if (event["data"]["definition"], event["data"]["pair"], event["data"]["episode"]) in episodes
    )
    assert followed.keys() == KINDS
    states = {event["data"]["state"] for event in given.events}
    assert states == {state.label for state in EventState} - {"idle", "extended"}
    assert len(given.events) > 1_000
    assert given.dead_letters


def test_a_worker_restores_it_without_passing_anything_over() -> None:
    opened = opened_with(Catalogue(()))
    assert opened.problems == ()
    assert opened.restored is not None
    assert opened.restored == opened.plan.position.snapshot
    assert not opened.rebuilt
    assert opened.plan.seek_to == released_partition().committed.offset


def test_no_life_is_lost() -> None:
    engine = opened_with(Catalogue(())).engine
    found = {}
    for watch in engine.evaluator.watches:
        for row, life in enumerate(engine.evaluator.lifecycle.episodes[watch.rule.number]):
            state = EventState(int(life["state"])).label
            if state in ("opened", "confirmed") or life["candidate"]:
                shown = state if state in ("opened", "confirmed") else "candidate"
                key = watch.definition.definition_id, engine.world.pairs[row].name
                found[key] = shown, int(life["episode"]), int(life["transition"])
    assert found == {
        (life.definition, life.pair): (life.state, life.episode, life.transition)
        for life in released_partition().alive
    }


def test_every_event_of_the_rest_is_as_that_release_gave_it() -> None:
    assert as_released(gone_on().events, released_partition().events) == []


def test_a_changed_value_an_id_or_a_lost_event_would_be_noticed() -> None:
    stored = list(released_partition().events)
    event = stored[20]
    value = {**event, "data": {**event["data"], "quality": "halted"}}
    renamed = {**event, "headers": {**event["headers"], "ce_id": "0" * 32}}
    for planted in (value, renamed):
        problems = as_released(gone_on().events, [*stored[:20], planted, *stored[21:]])
        assert len(problems) == 1
    assert as_released(gone_on().events, stored[:-1]) == ["1162 events, and 1161 of the release"]


def test_a_life_that_was_alive_keeps_its_id_and_version_until_it_ends() -> None:
    assert names_kept(gone_on().events) > 30


def test_it_keeps_them_through_a_snapshot_of_this_release() -> None:
    given = released_partition()
    middle = next(
        number
        for number, event in enumerate(given.events)
        if event["offset"] >= given.committed.offset + len(given.frames) // 10
    )
    cut = given.events[middle]["offset"] - given.committed.offset
    first = opened_with(Catalogue(())).engine
    before = run(first, given.frames[:cut], first_offset=given.committed.offset)
    assert len(before.events) == middle
    second = opened_with(Catalogue(())).engine
    second.restore(first.snapshot())
    after = run(second, given.frames[cut:], first_offset=given.committed.offset + cut)
    assert as_released(after.events, given.events[middle:]) == []
    assert names_kept(after.events) > 10


def test_dead_letters_of_the_rest_are_the_same_bytes_and_bars_are_known_ones() -> None:
    given = released_partition()
    engine = opened_with(Catalogue(())).engine
    bars, letters = hashlib.sha256(), []
    for offset, payload in enumerate(given.frames, start=given.committed.offset):
        output = engine.step(payload, offset)
        for array in (*output.minute_bars, *output.day_bars):
            bars.update(array.tobytes())
        letters += [(offset, letter) for letter in output.dead_letters]
    assert bars.hexdigest() == BARS_SHA256
    assert tuple(letters) == given.dead_letters


def test_a_worker_with_the_same_definitions_has_nothing_to_change() -> None:
    """Neither at the restore nor at the log's settings mark, which names that release's catalogue."""
    engine = opened_with(stored_catalogue()).engine
    assert not engine.definitions_wait
    said = rest_of_the_log(engine)
    assert [event.event_id for event in said.events] == [event.event_id for event in gone_on().events]
    assert names_kept(said.events) == names_kept(gone_on().events)
    assert not engine.definitions_wait


def test_a_worker_with_the_definitions_that_are_shipped_keeps_what_stays() -> None:
    """Of the fixture's definitions those that also came with that release go on; the rest is withdrawn."""
    text = resources.files("core").joinpath("data/catalogue.toml").read_text(encoding="utf-8")
    shipped = parse_catalogue(text)
    engine = opened_with(shipped).engine
    assert engine.keep_published_versions()
    assert engine.adoption_is_due
    withdrawn = engine.adopt()
    ours = {definition.definition_id for definition in shipped.definitions}
    gone = {episode for episode in alive_at_the_snapshot() if episode[0] not in ours}
    assert {episode_of(event) for event in withdrawn} == gone
    assert gone
    assert {event.state for event in withdrawn} == {"withdrawn"}
    events = [event for event in rest_of_the_log(engine).events if event.definition in ours]
    stored = [event for event in released_partition().events if event["data"]["definition"] in ours]
    assert as_released(without_extensions(events), stored) == []
    assert len(stored) > 50
    assert names_kept(events) > 10
