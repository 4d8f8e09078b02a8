"""The complete state of a partition's engine: created fresh, or read from a snapshot.

A snapshot also contains the definitions in force, so that a worker with another catalogue first keeps
those of the state, and switches to its own at the settings mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue
from core.engine.earlier_episodes import convert_episodes, date_converted_episodes
from core.engine.evaluation import PairEvaluator
from core.engine.pair_time import PairTime
from core.engine.published_versions import PublishedAs, still_published, unfinished_episodes
from core.engine.sections import (
    ARTEFACTS,
    artefacts_section,
    definition_section_name,
    family_section_name,
    instrument_section,
    pair_sections,
)
from core.engine.snapshot import Section, Snapshot
from core.engine.stored_definitions import DefinitionRecord, Orphan, read_definitions, record_of
from core.events.artefact_set import NO_SET
from core.events.lookups import Lookups
from core.model.errors import CatalogueError, SessionError, SnapshotError
from core.model.scale import DEFAULT_EXPONENT, SCALE_ACTION
from core.model.sessions import calendars_digest
from core.partition.instrument_time import InstrumentTime
from core.partition.state import InstrumentState, allocate_instruments, milliseconds, open_second_slots
from core.partition.world import PartitionWorld

UNCOUNTED: Final = 1
"""A `since` of EPISODE before any session: openings are counted from the pair's first session."""


@dataclass(frozen=True, slots=True, eq=False)
class PartitionState:
    """The state of one partition, and the objects that advance it.

    Args:
        world: Its rows.
        instruments: Instruments, sources and rings.
        instrument_time: Clocks of the sources.
        evaluator: Values, verdicts and episodes of pairs, under the definitions in force.
        pair_time: Clocks of the pairs.
        offsets: int64 (3,): the first offset processed, whether there was one, the next offset.
        settings: uint64 (2,): the catalogue requested by the latest settings mark, and the number of
            marks.
        artefacts: uint64 (1,): the mark of the set of base rates and rarity in force, or `NO_SET`.
        orphans: Definitions that are no longer supported.
        published_as: Definition id → earlier version, of definitions that a restore has translated, until
            what was published under it is known.
        before_extend: Whether it was read from a snapshot of a release without `extend`, and that release
            may have published what follows.
    """

    world: PartitionWorld
    instruments: InstrumentState
    instrument_time: InstrumentTime
    evaluator: PairEvaluator
    pair_time: PairTime
    offsets: NDArray[np.int64]
    settings: NDArray[np.uint64]
    artefacts: NDArray[np.uint64]
    orphans: tuple[Orphan, ...] = ()
    published_as: Mapping[str, str] = field(default_factory=dict)
    before_extend: bool = False

    def head(self) -> dict[str, Any]:
        """Identity of the state."""
        return (
            _owner(self.world)
            | _scales(self.world)
            | {
                "next_offset": int(self.offsets[2]),
                "catalogue": self.evaluator.catalogue.digest,
                "calendars": calendars_digest(self.world.calendars),
                "definitions": [record.as_plain() for record in self._records()],
            }
        )

    def _records(self) -> list[DefinitionRecord]:
        """The definitions in force, then those that are no longer computed."""
        episodes, undone = self.evaluator.lifecycle.episodes, self.pair_time.undo.lifecycle.episodes
        records = []
        for watch in self.evaluator.watches:
            number = watch.rule.number
            published = self._published(watch.definition.definition_id, episodes[number], undone[number])
            records.append(record_of(watch.definition, published))
        for entry, version, family, values, section in self.orphans:
            arrays = section.arrays
            published = self._published(
                entry["id"], arrays["lives"], arrays.get("undo/lives", arrays["lives"])
            )
            records.append(DefinitionRecord(dict(entry), version, family, list(values), published))
        return records

    def _published(
        self, definition_id: str, episodes: NDArray[np.void], undone: NDArray[np.void]
    ) -> dict[str, PublishedAs]:
        if not self.evaluator.published:
            return {}
        pairs = [pair.name for pair in self.world.pairs]
        return still_published(
            self.evaluator.published, definition_id, pairs, unfinished_episodes(episodes, undone)
        )

    def sections(self) -> dict[str, Section]:
        """Views of all arrays, by section."""
        state = self.instruments
        arrays: dict[str, NDArray[Any]] = {
            "instruments": state.instruments,
            "seconds": state.seconds,
            "second_prices": state.second_prices,
            "minute_prices": state.minute_prices,
            "sources": state.sources,
            "offsets": self.offsets,
            "settings": self.settings,
        }
        sections = instrument_section(arrays | self.instrument_time.arrays())
        sections |= pair_sections(self.evaluator, self.pair_time)
        sections |= artefacts_section(self.artefacts)
        return sections | {
            definition_section_name(orphan.entry["id"]): orphan.section for orphan in self.orphans
        }

    def keep_published_versions(self) -> PartitionState:
        """Let every episode so far keep the version of before, where its definition was translated."""
        self.evaluator.published = {**self.evaluator.published, **_translated(self)}
        return replace(self, published_as={}, before_extend=False)

    def mark_rebuilt(self) -> None:
        """Mark that the state starts in the middle of a history."""
        for episodes in (self.evaluator.lifecycle.episodes, self.pair_time.undo.lifecycle.episodes):
            episodes["since"] = UNCOUNTED


def fresh_state(world: PartitionWorld, catalogue: Catalogue, lookups: Lookups | None) -> PartitionState:
    """Create an empty state.

    Args:
        world: The partition's rows.
        catalogue: The definitions in force.
        lookups: Base rates and tags for events.

    Raises:
        CatalogueError: A definition cannot be evaluated.
    """
    slots = max(
        open_second_slots(milliseconds(source.allowed_lateness_ms), milliseconds(source.max_lead_ms))
        for source in world.sources
    )
    instruments = allocate_instruments(len(world.instruments), len(world.sources), slots)
    evaluator = PairEvaluator(world, catalogue, lookups)
    return PartitionState(
        world=world,
        instruments=instruments,
        instrument_time=InstrumentTime(world, instruments),
        evaluator=evaluator,
        pair_time=PairTime(world, instruments, evaluator),
        offsets=np.zeros(3, np.int64),
        settings=np.zeros(2, np.uint64),
        artefacts=np.full(1, NO_SET, np.uint64),
    )


def restored_state(
    data: bytes, world: PartitionWorld, catalogue: Catalogue, lookups: Lookups | None
) -> PartitionState:
    """Read a snapshot; its definitions are in force.

    Args:
        data: From `core.engine.snapshot.pack` with the head and the sections of a state.
        world: The partition's rows.
        catalogue: Used if the snapshot's definitions are the same.
        lookups: Base rates and tags for events.

    Raises:
        SnapshotError: It is corrupt, has another version, universe or partition, is from a release with
            other indicators, or is in a session that is not in the calendar.
    """
    snapshot = Snapshot(data)
    _check_scales(snapshot, world)
    before_extend = convert_episodes(snapshot)
    owner = {name: snapshot.head.get(name) for name in _owner(world)}
    if owner != _owner(world):
        raise SnapshotError(
            "the snapshot belongs to another universe or partition",
            operator_action="start with the settings it was written with, or rebuild from the baseline",
        )
    stored = read_definitions(snapshot, len(world.pairs))
    unchanged = catalogue.digest in (snapshot.head.get("catalogue"), stored.catalogue.digest)
    try:
        state = fresh_state(world, catalogue if unchanged else stored.catalogue, lookups)
    except CatalogueError as error:
        raise SnapshotError(
            f"the definitions of the snapshot cannot be computed: {error.message}",
            operator_action="start with the settings it was written with, or rebuild from the baseline",
        ) from error
    _fill(state, snapshot, stored.published_as)
    versions = {watch.definition.definition_id: watch.version for watch in state.evaluator.watches}
    published_as = {each: was for each, was in stored.published_as.items() if was != versions[each]}
    state = replace(state, orphans=stored.orphans, published_as=published_as, before_extend=before_extend)
    state.evaluator.published = {**stored.published, **_translated(state)}
    try:
        state.instrument_time.resume()
        state.pair_time.resume()
    except SessionError as error:
        raise SnapshotError(
            f"the snapshot is in a session that is not in the calendar: {error}",
            operator_action="build the calendar for dates that include the snapshot",
        ) from error
    date_converted_episodes(state.evaluator, state.pair_time)
    return state


def _fill(state: PartitionState, snapshot: Snapshot, published_as: Mapping[str, str]) -> None:
    """Take the sections over, each under the version that it was stored under."""
    state.evaluator.forget_traded()
    versions = {definition_section_name(each): version for each, version in published_as.items()}
    # What every evaluation computes again is no loss where an earlier release did not have it.
    optional = {family_section_name(each.name) for each in state.evaluator.families if each.of_the_step_alone}
    # Earlier releases knew no mark that puts a set in force.
    optional.add(ARTEFACTS)
    for name, section in state.sections().items():
        if name in optional and name not in snapshot.versions:
            continue
        snapshot.fill(name, section._replace(version=versions.get(name, section.version)))


def _translated(state: PartitionState) -> dict[tuple[str, str], PublishedAs]:
    """What readers know under the version of before, of definitions that have been translated."""
    episodes, undone = state.evaluator.lifecycle.episodes, state.pair_time.undo.lifecycle.episodes
    found: dict[tuple[str, str], PublishedAs] = {}
    for watch in state.evaluator.watches:
        definition_id, number = watch.definition.definition_id, watch.rule.number
        version = state.published_as.get(definition_id)
        if version is None:
            continue
        unfinished = unfinished_episodes(episodes[number], undone[number])
        for pair, numbers in zip(state.world.pairs, unfinished, strict=True):
            if numbers:
                found[definition_id, pair.name] = PublishedAs(version, numbers)
    return found


def _owner(world: PartitionWorld) -> dict[str, Any]:
    return {
        "universe": world.universe.meaning_digest,
        "partition": world.partition,
        "partitions": world.partitions,
    }


def _scales(world: PartitionWorld) -> dict[str, Any]:
    """Return scales other than the default; empty if there are none, as in older snapshots."""
    scales = {
        str(each.instrument_id): [each.price_exponent, each.size_exponent]
        for each in world.instruments
        if (each.price_exponent, each.size_exponent) != (DEFAULT_EXPONENT, DEFAULT_EXPONENT)
    }
    return {"scales": scales} if scales else {}


def _check_scales(snapshot: Snapshot, world: PartitionWorld) -> None:
    """Refuse a state with other scales, before the digest refuses it without a reason."""
    default = [DEFAULT_EXPONENT, DEFAULT_EXPONENT]
    stored = snapshot.head.get("scales", {})
    ours = _scales(world).get("scales", {})
    for each in world.instruments:
        key = str(each.instrument_id)
        was, now = stored.get(key, default), ours.get(key, default)
        if was != now:
            raise SnapshotError(
                f"the snapshot has {each.symbol} with price_exponent {was[0]} and size_exponent {was[1]}"
                f"{'' if key in stored else ', or not at all'}; the universe has {now[0]} and {now[1]}",
                operator_action=SCALE_ACTION.format(symbol=each.symbol),
            )
