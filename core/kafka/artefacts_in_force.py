"""Puts a published set of artefacts in force: a mark in every partition of the ticks."""

from __future__ import annotations

from core.events.artefact_set import ArtefactSet
from core.kafka.artefact_topic import publish_set
from core.kafka.log_marks import write_mark
from core.model.errors import ConfigurationError
from core.model.instruments import Universe
from core.model.records import TickKind
from core.model.settings import Settings
from core.model.sources import find_source


def require_known_pairs(one: ArtefactSet, universe: Universe) -> int:
    """Refuse a set without cards of any pair of the universe.

    Returns:
        Number of pairs that it has cards of.

    Raises:
        ConfigurationError: There is none.
    """
    known = len(one.pairs & {pair.name for pair in universe.pairs})
    if not known:
        some = ", ".join(sorted(one.pairs)[:5]) or "no pair"
        raise ConfigurationError(
            f"the set has cards of {some}, and of no pair of the universe: no event would find one",
            operator_action="prepare a set for pairs of this universe, or pass the universe with --universe",
        )
    return known


def put_in_force(
    one: ArtefactSet, universe: Universe, settings: Settings, *, ts_ns: int, epoch: int
) -> tuple[bool, int]:
    """Publish a set and write its mark; workers read the set before they step the mark.

    Args:
        one: The set.
        universe: Contains the source of the daily history.
        settings: Broker and source.
        ts_ns: Wall time of the mark, ns UTC.
        epoch: Producer epoch: higher than that of any earlier run of the source.

    Returns:
        Whether the set was written (it may be there already), and the number of partitions marked.

    Raises:
        ConfigurationError: The universe has no such source, or the topic has a different number of
            partitions.
        TransportError: A topic is missing, or the broker does not acknowledge a record.
    """
    find_source(universe, settings.history_source)
    written = publish_set(settings.kafka, one)
    return written, mark_artefacts(one.mark, universe, settings, ts_ns=ts_ns, epoch=epoch)


def mark_artefacts(mark: int, universe: Universe, settings: Settings, *, ts_ns: int, epoch: int) -> int:
    """Write the mark of a set that is published, or `NO_SET`; arguments and errors as of `put_in_force`.

    Returns:
        Number of partitions.
    """
    source = find_source(universe, settings.history_source)
    return write_mark(
        settings.kafka, TickKind.ARTEFACTS, mark, source_id=source.source_id, ts_ns=ts_ns, epoch=epoch
    )
