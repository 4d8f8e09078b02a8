"""Changes the definitions in force: state is carried over, and nothing else is rebuilt.

A definition with the same id and version keeps its episodes. So does one that only gains `extend`: what is
open keeps its version, and is not extended, to its end. If a definition is removed, changed otherwise, or no
longer applies to a pair, its open episodes are withdrawn, with ids derived from the state alone. A new one
starts with the session in force, and counts its history from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue
from core.definitions.episode import NOT_RECORDED
from core.definitions.sentence import title_of_id
from core.definitions.watch import Watch
from core.engine.earlier_episodes import date_converted_episodes
from core.engine.evaluation import PairEvaluator
from core.engine.pair_time import PairTime
from core.engine.partition_state import UNCOUNTED, PartitionState
from core.engine.published_versions import (
    PublishedAs,
    PublishedVersions,
    is_alive,
    unfinished_episodes,
    version_of,
)
from core.engine.sections import carry, definition_section_name, pair_sections
from core.engine.snapshot import Section
from core.engine.stored_definitions import Orphan
from core.events.events import Event, event_id, event_time_text
from core.events.lookups import Lookups
from core.events.payload import leg_figures
from core.events.per_year import NO_HISTORY
from core.events.summary import LONGEST
from core.model.records import EVENT, NANOSECONDS_PER_SECOND, EventState, Quality
from core.model.windows import NO_SESSION

_OPEN: Final = (int(EventState.OPENED), int(EventState.CONFIRMED))
_SECONDS_PER_DAY: Final = 86_400
_GONE: Final = "the definition is no longer supported"


def adopt(
    state: PartitionState, catalogue: Catalogue, lookups: Lookups | None
) -> tuple[PartitionState, list[Event]]:
    """Change the definitions in force.

    Args:
        state: Current state; must not be used afterwards.
        catalogue: The new definitions.
        lookups: Base rates and tags for events.

    Returns:
        The new state, and a `withdrawn` event for every open or candidate episode of a removed
        definition, in the order of the definitions and pairs.

    Raises:
        CatalogueError: A definition cannot be evaluated.
    """
    evaluator = PairEvaluator(state.world, catalogue, lookups)
    pair_time = PairTime(state.world, state.instruments, evaluator)
    before, after = pair_sections(state.evaluator, state.pair_time), pair_sections(evaluator, pair_time)
    own = {definition_section_name(definition.definition_id) for definition in catalogue.definitions}
    carry(after, before, after.keys() - own)
    pair_time.resume()
    sessions, _ = state.pair_time.standing()
    watched = {_identity(watch): watch for watch in state.evaluator.watches}
    kept: dict[tuple[str, str], NDArray[np.bool_]] = {}
    published: dict[tuple[str, str], PublishedAs] = {}
    for watch in evaluator.watches:
        name = definition_section_name(watch.definition.definition_id)
        earlier = _earlier(watch, watched)
        _take_lives(watch, earlier, after[name], before.get(name), sessions)
        if earlier is not None:
            kept[_identity(earlier)] = watch.wanted
            published |= _not_extended(state, watch, earlier, after[name])
    date_converted_episodes(evaluator, pair_time)
    evaluator.published = {**_published(state, kept), **published}
    events = _withdrawn(state, kept)
    published_as = _published_as(state, evaluator, kept)
    adopted = replace(state, evaluator=evaluator, pair_time=pair_time, orphans=(), published_as=published_as)
    return adopted, events


def _identity(watch: Watch) -> tuple[str, str]:
    return watch.definition.definition_id, watch.definition.version


def _earlier(watch: Watch, watched: Mapping[tuple[str, str], Watch]) -> Watch | None:
    """Return the definition in force whose episodes go on: the same, or the same before it had `extend`."""
    definition = watch.definition
    for version in (watch.version, definition.without_extend.version):
        found = watched.get((definition.definition_id, version))
        if found is not None:
            return found
    return None


def _not_extended(
    state: PartitionState, watch: Watch, earlier: Watch, section: Section
) -> dict[tuple[str, str], PublishedAs]:
    """Let unfinished episodes of a definition that gains `extend` go on as they were published.

    Args:
        state: The state before.
        watch: The definition with `extend`.
        earlier: The same without it; nothing is done where it is the same version.
        section: The episodes; those that must not be extended are marked.

    Returns:
        The version under which they were published.
    """
    found: dict[tuple[str, str], PublishedAs] = {}
    if earlier.version == watch.version:
        return found
    definition_id, published = watch.definition.definition_id, state.evaluator.published
    episodes, undone = section.arrays["lives"], section.arrays["undo/lives"]
    for row, numbers in enumerate(unfinished_episodes(episodes, undone)):
        if not numbers or not (watch.wanted[row] and earlier.wanted[row]):
            continue
        pair = state.world.pairs[row].name
        version = version_of(published, definition_id, pair, numbers[-1], earlier.version)
        found[definition_id, pair] = PublishedAs(version, numbers)
    # An opening that is taken back and made again is that of the same episode.
    goes_on = watch.wanted & earlier.wanted
    episodes["not_extended"][goes_on] = is_alive(episodes)[goes_on]
    undone["not_extended"][goes_on] = (is_alive(undone) | (episodes["opened_now"] == 1))[goes_on]
    _begin_record(watch, earlier, section)
    return found


def _begin_record(watch: Watch, earlier: Watch, section: Section) -> None:
    """Drop the record of true sessions where `extend` asks something else than what was recorded."""
    rule = watch.definition.rule
    if rule.extend == rule.enter and rule.dwell == 1:
        return
    same = watch.wanted & earlier.wanted
    for name in ("lives", "undo/lives"):
        for field in ("last_true", "previous_true", "sessions_true"):
            section.arrays[name][field][same] = 0
        section.arrays[name]["true_since"][same] = NOT_RECORDED


def _take_lives(
    watch: Watch,
    earlier: Watch | None,
    section: Section,
    stored: Section | None,
    sessions: NDArray[np.int64],
) -> None:
    """Copy the episodes of pairs that were evaluated under the same version; start the others."""
    same = np.zeros(len(watch.wanted), np.bool_)
    if earlier is not None and stored is not None:
        same = watch.wanted & earlier.wanted
        for name, array in section.arrays.items():
            array[same] = stored.arrays[name][same]
    begins = watch.wanted & ~same
    for name in ("lives", "undo/lives"):
        section.arrays[name]["since"][begins] = np.maximum(sessions[begins], UNCOUNTED)


def _withdrawn(state: PartitionState, kept: Mapping[tuple[str, str], NDArray[np.bool_]]) -> list[Event]:
    evaluator = state.evaluator
    nowhere = np.zeros(len(state.world.pairs), np.bool_)
    events: list[Event] = []
    for watch in evaluator.watches:
        episodes = evaluator.lifecycle.episodes[watch.rule.number]
        for row in np.flatnonzero(is_alive(episodes) & ~kept.get(_identity(watch), nowhere)):
            staged, session = _stage(state, episodes[row], int(row), watch.rule.number)
            events.append(evaluator.event(staged, session))
    for orphan in state.orphans:
        episodes = orphan.section.arrays["lives"]
        for row in np.flatnonzero(is_alive(episodes)):
            events.append(_orphaned(state, orphan, episodes[row], int(row)))
    return events


def _published_as(
    state: PartitionState, evaluator: PairEvaluator, kept: Mapping[tuple[str, str], NDArray[np.bool_]]
) -> dict[str, str]:
    """Versions under which an earlier release published the definitions that are now in force.

    Asked for only in the silence behind a restore that has translated: the change was then made by that
    release, and what it published of new definitions it published under its own versions as well.
    """
    if not state.published_as:
        return {}
    goes_on = {
        watch.definition.definition_id for watch in state.evaluator.watches if _identity(watch) in kept
    }
    found: dict[str, str] = {}
    for watch in evaluator.watches:
        definition_id = watch.definition.definition_id
        was = state.published_as.get(definition_id) if definition_id in goes_on else None
        was = was or watch.definition.detector_version
        if was is not None:
            found[definition_id] = was
    return found


def _published(state: PartitionState, kept: Mapping[tuple[str, str], NDArray[np.bool_]]) -> PublishedVersions:
    """What readers know under another version, of episodes that continue."""
    identities = {watch.definition.definition_id: _identity(watch) for watch in state.evaluator.watches}
    rows = {pair.name: row for row, pair in enumerate(state.world.pairs)}
    found: dict[tuple[str, str], PublishedAs] = {}
    for (definition_id, pair), one in state.evaluator.published.items():
        goes_on = kept.get(identities.get(definition_id, (definition_id, "")))
        if goes_on is not None and goes_on[rows[pair]]:
            found[definition_id, pair] = one
    return found


def _stage(state: PartitionState, life: np.void, row: int, number: int) -> tuple[np.void, int]:
    """Return the transition that ends an episode early, and its session."""
    sessions, closed_ns = state.pair_time.standing()
    ts_event_ns = max(int(closed_ns[row]), int(state.evaluator.as_of_ns[:, row].max()))
    session = int(sessions[row])
    if session == NO_SESSION:
        session = ts_event_ns // (_SECONDS_PER_DAY * NANOSECONDS_PER_SECOND)
    opened = int(life["state"]) in _OPEN
    staged = np.zeros(1, EVENT)
    staged["ts_event"] = staged["ts_knowable"] = ts_event_ns
    staged["definition"] = number
    staged["pair"] = row
    staged["episode"] = life["episode"]
    staged["transition"] = int(life["transition"]) + 1 if opened else 1
    staged["state"] = int(EventState.WITHDRAWN)
    staged["previous_state"] = int(life["state"]) if opened else int(EventState.CANDIDATE)
    record: np.void = staged[0]
    return record, session


def _orphaned(state: PartitionState, orphan: Orphan, life: np.void, row: int) -> Event:
    """Withdraw what a release that is gone has opened: without its definition, without its values."""
    staged, session = _stage(state, life, row, -1)
    evaluator, entry = state.evaluator, orphan.entry
    pair, definition_id, frequency = state.world.pairs[row], entry["id"], entry["frequency"]
    episode, transition = int(staged["episode"]), int(staged["transition"])
    ts_event_ns, withdrawn = int(staged["ts_event"]), EventState.WITHDRAWN.label
    title = title_of_id(definition_id)
    version = version_of(evaluator.published, definition_id, pair.name, episode, orphan.version)
    return Event(
        event_id=event_id(definition_id, version, pair.name, frequency, episode, transition),
        definition=definition_id,
        version=version,
        title=title,
        summary=f"withdrawn: {title}, {pair.numerator} against {pair.benchmark}: {_GONE}"[:LONGEST],
        family=orphan.family,
        pair=pair.name,
        frequency=frequency,
        state=withdrawn,
        previous_state=EventState(int(staged["previous_state"])).label,
        episode=episode,
        transition=transition,
        ts_event_ns=ts_event_ns,
        ts_knowable_ns=ts_event_ns,
        event_time=event_time_text(frequency, withdrawn, session, ts_event_ns),
        values=dict.fromkeys(orphan.values),
        threshold=dict(entry.get("parameters", {})),
        legs=leg_figures(evaluator.prices, evaluator.bases, row, evaluator.world.scales),
        first_since=None,
        reasons={**dict.fromkeys(orphan.values, _GONE), "openings_per_year": NO_HISTORY},
        quality=Quality.NOT_READY.label,
        provenance=evaluator.provenance,
    )
