"""What a worker's events look up: the set of base rates and rarity that the log's latest mark names.

A worker's own files are only one more place where a set may be found. They are used where the log names
them, so that two workers with different files never give one event two payloads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import structlog

from core.definitions.definition import Definition
from core.events.artefact_records import PublishedSet, PublishedSets
from core.events.artefact_set import NO_SET, ArtefactSet, digits_of
from core.events.artefacts import Artefacts
from core.events.lookups import Lookups
from core.model.dated_events import DatedEvents
from core.model.errors import ArtefactsError, InputError
from core.model.instruments import Pair
from core.model.topics import ARTEFACTS_TOPIC

_WRITE_MARK: Final = (
    "put the files in force with 'rotascope produce artefacts-mark --base-rates FILE --rarity FILE', "
    "or remove base_rates_file and rarity_file from this worker's settings"
)
_PUBLISH: Final = (
    "publish the set again ('rotascope produce artefacts-mark --artefacts FILE' or 'rotascope study prepare "
    "--publish'), or start the worker with the files the set was made from (base_rates_file, rarity_file)"
)


class SetsLog(Protocol):
    """The topic of artefacts."""

    def read(self) -> PublishedSets:
        """Return all sets.

        Raises:
            TransportError: The broker does not answer.
        """


class LogArtefacts:
    """Gives the engines of a worker their lookups, by mark.

    Args:
        dated_events: Dated events, which tag events under every mark.
        own: The set of the worker's own files; None without files.
        topic: The topic of artefacts; None to know only the worker's own files.
    """

    def __init__(
        self, dated_events: DatedEvents | None, own: ArtefactSet | None, topic: SetsLog | None
    ) -> None:
        self._dated_events = dated_events
        self._own = own
        self._topic = topic
        self._sets: Mapping[int, PublishedSet] | None = None
        self._made: dict[int, Lookups] = {}
        self._problems: set[str] = set()
        self._lock = threading.Lock()  # partitions are restored beside the loop
        self._log = structlog.get_logger("rotascope.worker")
        self._told = False

    def prepare(self) -> None:
        """Read the topic before the first engine, so that a set is not looked for while records wait.

        Raises:
            TransportError: The broker does not answer; may be retried.
        """
        with self._lock:
            if self._sets is None:
                self._read()

    def __call__(self, mark: int) -> Lookups:
        """Return the lookups of the set that a mark names.

        Raises:
            ArtefactsError: Neither the worker's files nor the topic contain it.
            TransportError: The broker does not answer; may be retried.
        """
        with self._lock:
            if mark not in self._made:
                self._made[mark] = self._make(mark)
            return self._made[mark]

    def _make(self, mark: int) -> Lookups:
        if self._own is not None and mark == self._own.mark:
            return Artefacts.of(self._own, self._dated_events)
        found = Artefacts.of(None if mark == NO_SET else self._published(mark), self._dated_events)
        return found if self._own is None else _Telling(found, self._tell_unused)

    def _published(self, mark: int) -> ArtefactSet:
        if self._sets is None or mark not in self._sets:
            self._read()
        published = (self._sets or {}).get(mark)
        try:
            if published is not None:
                return published.parse()
            reason = f"neither this worker's files nor {ARTEFACTS_TOPIC} contain it"
        except InputError as error:
            reason = error.message
        raise ArtefactsError(
            f"the log puts set {digits_of(mark)}… of base rates and rarity in force: {reason}",
            operator_action=_PUBLISH,
        )

    def _read(self) -> None:
        self._sets, problems = PublishedSets({}, ()) if self._topic is None else self._topic.read()
        for problem in problems:
            if problem not in self._problems:
                self._problems.add(problem)
                self._log.warning(
                    "artefacts skipped", reason=problem, operator_action=f"if a mark names it: {_PUBLISH}"
                )

    def _tell_unused(self) -> None:
        if self._told:
            return
        self._told, own = True, self._own
        self._log.warning(
            "this worker's base rates and rarity are not in force: the log names another set, or none",
            own_set=None if own is None else digits_of(own.mark),
            operator_action=_WRITE_MARK,
        )


class _Telling:
    """Lookups that are in force and not those of the worker's own files; calls `tell` at each event.

    At a worker's start it is not known yet which set its events will use: the mark may follow in the log.
    """

    def __init__(self, found: Lookups, tell: Callable[[], None]) -> None:
        self._found = found
        self._tell = tell

    @property
    def digests(self) -> Mapping[str, str]:
        return self._found.digests

    def base_rate(
        self, definition: Definition, pair: Pair, ts_knowable_ns: int
    ) -> Mapping[str, object] | None:
        self._tell()
        return self._found.base_rate(definition, pair, ts_knowable_ns)

    def rarity(self, definition: Definition, pair: Pair, ts_knowable_ns: int) -> Mapping[str, object] | None:
        return self._found.rarity(definition, pair, ts_knowable_ns)

    def tags(self, session: int, ts_knowable_ns: int) -> tuple[str, ...]:
        return self._found.tags(session, ts_knowable_ns)
