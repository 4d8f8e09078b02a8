"""The complete state of a partition's engine: created fresh, or read from a snapshot.

A snapshot also contains the definitions in force, so that a worker with another catalogue first keeps
those of the state, and switches to its own at the settings mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.definitions.catalogue import Catalogue, Definition, stored_definition
from core.engine.evaluation import PairEvaluator
from core.engine.pair_time import PairTime
from core.engine.sections import definition_section_name, instrument_section, pair_sections
from core.engine.snapshot import Section, Snapshot
from core.events.lookups import Lookups
from core.model.errors import SessionError, SnapshotError
from core.model.scale import DEFAULT_EXPONENT, SCALE_ACTION
from core.model.sessions import calendars_digest
from core.partition.instrument_time import InstrumentTime
from core.partition.state import InstrumentState, allocate_instruments, milliseconds, open_second_slots
from core.partition.world import PartitionWorld

UNCOUNTED: Final = 1
"""A `since` of LIFE before any session: openings are counted from the pair's first session."""


class Orphan(NamedTuple):
    """A definition of a snapshot that this release does not support; its episodes will be withdrawn.

    Args:
        entry: `Definition.entry` as of the release that wrote it.
        version: Version of the definition.
        family: Determines the topic.
        values: Names of the values in its events.
        section: Its state.
    """

    entry: Mapping[str, Any]
    version: str
    family: str
    values: tuple[str, ...]
    section: Section


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
        orphans: Definitions that are no longer supported.
    """

    world: PartitionWorld
    instruments: InstrumentState
    instrument_time: InstrumentTime
    evaluator: PairEvaluator
    pair_time: PairTime
    offsets: NDArray[np.int64]
    settings: NDArray[np.uint64]
    orphans: tuple[Orphan, ...] = ()

    def head(self) -> dict[str, Any]:
        """Identity of the state."""
        return (
            _owner(self.world)
            | _scales(self.world)
            | {
                "next_offset": int(self.offsets[2]),
                "catalogue": self.evaluator.catalogue.digest,
                "calendars": calendars_digest(self.world.calendars),
                "definitions": [
                    {
                        "entry": watch.definition.entry,
                        "version": watch.definition.version,
                        "family": watch.definition.family,
                        "values": sorted(watch.definition.payload),
                    }
                    for watch in self.evaluator.watches
                ]
                + [
                    {
                        "entry": orphan.entry,
                        "version": orphan.version,
                        "family": orphan.family,
                        "values": list(orphan.values),
                    }
                    for orphan in self.orphans
                ],
            }
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
        return sections | {
            definition_section_name(orphan.entry["id"]): orphan.section for orphan in self.orphans
        }

    def mark_rebuilt(self) -> None:
        """Mark that the state starts in the middle of a history."""
        for lives in (self.evaluator.lives.lives, self.pair_time.undo.lives.lives):
            lives["since"] = UNCOUNTED


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
    owner = {name: snapshot.head.get(name) for name in _owner(world)}
    if owner != _owner(world):
        raise SnapshotError(
            "the snapshot belongs to another universe or partition",
            operator_action="start with the settings it was written with, or rebuild from the baseline",
        )
    known, orphans = _definitions(snapshot)
    in_force = catalogue if catalogue.digest == snapshot.head["catalogue"] else Catalogue(known)
    state = fresh_state(world, in_force, lookups)
    for name, section in state.sections().items():
        snapshot.fill(name, section)
    try:
        state.instrument_time.resume()
        state.pair_time.resume()
    except SessionError as error:
        raise SnapshotError(
            f"the snapshot is in a session that is not in the calendar: {error}",
            operator_action="build the calendar for dates that include the snapshot",
        ) from error
    return replace(state, orphans=orphans)


def _owner(world: PartitionWorld) -> dict[str, Any]:
    return {
        "universe": world.universe.digest,
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


def _definitions(snapshot: Snapshot) -> tuple[tuple[Definition, ...], tuple[Orphan, ...]]:
    """Return the definitions of a snapshot: the supported ones, and the rest."""
    known, orphans = [], []
    for record in snapshot.head["definitions"]:
        entry, version = record["entry"], record["version"]
        definition = stored_definition(entry, version)
        if definition is not None:
            known.append(definition)
        else:
            section = snapshot.section(definition_section_name(entry["id"]))
            orphans.append(Orphan(entry, version, record["family"], tuple(record["values"]), section))
    return tuple(known), tuple(orphans)
