"""Workers with different files: the log's mark decides what their events carry."""

from __future__ import annotations

import threading

import pytest
from structlog.testing import capture_logs

from consumers.worker.log_artefacts import LogArtefacts
from consumers.worker.partition import QUARANTINE_REASON
from consumers.worker.state import WorkerState
from consumers.worker.worker import Worker
from core.definitions.catalogue import parse_catalogue
from core.engine.engine import PartitionEngine
from core.events.artefact_records import PublishedSets, SetRecord, collect_sets, set_records
from core.events.artefact_set import NO_SET, ArtefactSet
from core.kafka.log_marks import mark_frame
from core.model.dated_events import DatedEvents
from core.model.errors import ArtefactsError, TransportError
from core.model.records import TickKind
from core.model.settings import KafkaSettings
from core.runtime.exit_codes import EXIT_INPUT, exit_code
from tests.support.artefact_sets import MemorySets, named_set
from tests.support.fake_transport import FakeBroker, FakeTransport
from tests.support.logs import Sequences, cut
from tests.support.rich_log import rich_log, warm_start
from tests.support.worker_in_memory import IDLE, dead_letters, worker_settings
from tests.support.worlds import CATALOGUE, HISTORY, make_engine, session_open, small_universe

PAIRS = small_universe().pairs
DEFINITION = parse_catalogue(CATALOGUE).definitions[0]
FIRST, SECOND, THIRD = (
    named_set(name, parse_catalogue(CATALOGUE), PAIRS) for name in ("first", "second", "third")
)


def broker_with(*marks: ArtefactSet) -> FakeBroker:
    """History, the marks, then trades with events."""
    broker, sequences = FakeBroker(), Sequences()
    for payload in cut(warm_start(), sequences=sequences):
        broker.append(payload)
    for epoch, one in enumerate(marks, start=2):
        broker.append(_mark(one.mark, epoch))
    for payload in cut(rich_log(1), sequences=sequences):
        broker.append(payload)
    return broker


def _mark(mark: int, epoch: int) -> bytes:
    return mark_frame(TickKind.ARTEFACTS, mark, source_id=HISTORY, ts_ns=session_open(0), epoch=epoch)


def worker_on(
    broker: FakeBroker, own: ArtefactSet | None, topic: MemorySets
) -> tuple[Worker, WorkerState, LogArtefacts]:
    artefacts = LogArtefacts(None, own, topic)
    state = WorkerState()

    def make(partition: int, partitions: int) -> PartitionEngine:
        artefacts.prepare()
        return make_engine(partition=partition, partitions=partitions, lookups_by_mark=artefacts)

    worker = Worker(
        FakeTransport(broker),
        make,
        kafka=KafkaSettings(partitions=broker.partitions),
        settings=worker_settings(),
        state=state,
    )
    return worker, state, artefacts


def published(broker: FakeBroker) -> dict[str, bytes]:
    """Id → payload of every event."""
    return {
        dict(record.headers)["ce_id"].decode(): record.value
        for record in broker.published
        if record.topic.startswith("rotascope.events.")
    }


def events_of(own: ArtefactSet | None, topic: MemorySets, *marks: ArtefactSet) -> dict[str, bytes]:
    broker = broker_with(*marks)
    worker_on(broker, own, topic)[0].run(IDLE)
    return published(broker)


@pytest.mark.parametrize("marks", [(), (FIRST,), (SECOND,), (FIRST, THIRD)], ids=len)
def test_two_workers_with_different_files_cannot_give_one_id_two_payloads(
    marks: tuple[ArtefactSet, ...],
) -> None:
    topic = MemorySets(FIRST, SECOND, THIRD)
    one = events_of(FIRST, topic, *marks)
    other = events_of(SECOND, topic, *marks)
    neither = events_of(None, topic, *marks)
    assert len(one) > 20
    assert one == other == neither
    names = {FIRST.mark: b'"first"', SECOND.mark: b'"second"', THIRD.mark: b'"third"'}
    name = names[marks[-1].mark] if marks else None
    for payload in one.values():
        assert (b'"base_rate":null' in payload) == (name is None)
        assert name is None or payload.count(name) == 2


def test_a_workers_own_files_need_no_topic_where_the_mark_names_them() -> None:
    assert events_of(FIRST, MemorySets(), FIRST) == events_of(None, MemorySets(FIRST), FIRST)


def test_a_worker_says_once_that_its_files_are_not_in_force_and_which_command_changes_that() -> None:
    with capture_logs() as lines:
        events_of(FIRST, MemorySets(SECOND), SECOND)
    told = [line for line in lines if "not in force" in line["event"]]
    (line,) = told
    assert line["own_set"] == FIRST.digest[:15]
    assert "rotascope produce artefacts-mark" in line["operator_action"]


@pytest.mark.parametrize("own", [None, FIRST])
def test_a_worker_has_nothing_to_say_where_its_files_are_in_force_or_it_has_none(
    own: ArtefactSet | None,
) -> None:
    with capture_logs() as lines:
        events_of(own, MemorySets(FIRST), FIRST)
    assert not [line for line in lines if "not in force" in line["event"]]


def test_a_set_that_is_published_after_the_start_is_found_at_its_mark() -> None:
    topic, broker = MemorySets(), broker_with(FIRST)
    worker, _, artefacts = worker_on(broker, None, topic)
    artefacts.prepare()
    topic.sets.append(FIRST)
    worker.run(IDLE)
    assert topic.reads == 2
    assert all(b'"first"' in payload for payload in published(broker).values())


def test_a_set_that_is_nowhere_ends_the_worker_and_quarantines_nothing() -> None:
    broker = broker_with(FIRST)
    worker, state, _ = worker_on(broker, SECOND, MemorySets(SECOND))
    with pytest.raises(ArtefactsError) as raised:
        worker.run(IDLE)
    assert exit_code(raised.value) == EXIT_INPUT
    assert FIRST.digest[:15] in raised.value.message
    assert "rotascope produce artefacts-mark" in str(raised.value.operator_action)
    assert dead_letters(broker) == []
    assert state.counters.partitions[0].quarantined == 0
    assert published(broker) == {}


def test_a_mark_is_stepped_again_once_the_broker_answers() -> None:
    class Returning(MemorySets):
        def read(self) -> PublishedSets:
            self.away = self.reads in (1, 2)
            return super().read()

    topic, broker = Returning(), broker_with(FIRST)
    worker, _, artefacts = worker_on(broker, None, topic)
    artefacts.prepare()
    topic.sets.append(FIRST)
    worker.run(IDLE)
    assert topic.reads == 4
    assert QUARANTINE_REASON not in {reason for reason, _ in dead_letters(broker)}
    assert published(broker) == events_of(FIRST, MemorySets(), FIRST)


def test_an_incomplete_set_is_a_warning_and_no_reason_to_stop() -> None:
    class Half(MemorySets):
        def read(self) -> PublishedSets:
            return collect_sets(each for one in self.sets for each in set_records(one)[:-1])

    with capture_logs() as lines:
        artefacts = LogArtefacts(None, None, Half(FIRST))
        artefacts.prepare()
    (line,) = lines
    assert line["log_level"] == "warning"
    assert FIRST.digest[:16] in line["reason"]
    assert artefacts(NO_SET).base_rate(DEFINITION, PAIRS[0], 1) is None
    with pytest.raises(ArtefactsError):
        artefacts(FIRST.mark)


def test_a_damaged_set_is_an_error_where_a_mark_names_it() -> None:
    class Forged(MemorySets):
        def read(self) -> PublishedSets:
            records = set_records(SECOND)
            of_first = [
                SetRecord(
                    each.key.replace(SECOND.digest.encode(), FIRST.digest.encode()),
                    each.value.replace(SECOND.digest.encode(), FIRST.digest.encode()),
                )
                for each in records
            ]
            return collect_sets(of_first)

    with pytest.raises(ArtefactsError, match="has digest"):
        LogArtefacts(None, None, Forged())(FIRST.mark)


def test_the_topic_is_read_before_the_first_engine_and_again_where_that_failed() -> None:
    topic = MemorySets(FIRST)
    artefacts = LogArtefacts(None, None, topic)
    topic.away = True
    with pytest.raises(TransportError):
        artefacts.prepare()
    topic.away = False
    artefacts.prepare()
    artefacts.prepare()
    assert artefacts(FIRST.mark).rarity(DEFINITION, PAIRS[0], 1) == {"set": "first"}
    assert topic.reads == 2


def test_dated_events_tag_under_every_mark() -> None:
    class Tagging(DatedEvents):
        def __init__(self) -> None:
            """Without any calendar."""

        def tags(self, session: int) -> tuple[str, ...]:
            return ("fomc",)

        digest = "d" * 64

    for own in (None, FIRST):
        artefacts = LogArtefacts(Tagging(), own, MemorySets(FIRST, SECOND))
        for mark in (NO_SET, FIRST.mark, SECOND.mark):
            found = artefacts(mark)
            assert found.tags(1, 1) == ("fomc",)
            assert found.digests["calendar_events"] == "d" * 16


def test_restores_beside_the_loop_read_the_topic_once() -> None:
    topic = MemorySets(FIRST)
    artefacts = LogArtefacts(None, None, topic)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(artefacts(FIRST.mark))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(found), len(set(map(id, found))), topic.reads) == (8, 1, 1)
