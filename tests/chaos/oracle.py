"""What one undisturbed worker makes of the frozen log, and how what was seen differs from it.

The oracle steps the final ticks log, as a reader of committed records finds it, through the engine
in memory: no Kafka client, no transaction, no restore, no group. Whatever the disturbed workers
did, a reader must have seen exactly this.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from consumers.worker.partition import QUARANTINE_REASON
from consumers.worker.publications import (
    ValuesTopic,
    day_bar_records,
    dead_letter_record,
    event_record,
    minute_bar_records,
    value_records,
)
from consumers.worker.run import engine_factory
from core.kafka.records import OutgoingRecord, Record
from core.kafka.topic_reader import TopicReader
from core.model.errors import FrameError
from core.model.settings import KafkaSettings, Settings, WorkerSettings
from core.model.topics import DEAD_LETTERS_TOPIC
from tests.chaos.cluster import TICKS
from tests.chaos.market_day import PARTITIONS, VALUE_SHARDS
from tests.chaos.watcher import VALUES_TOPIC, Said, Seen, identify

_LETTER_BYTES = WorkerSettings().dead_letter_max_bytes

Raising = Collection[tuple[int, int]]
"""Partition and offset of records the step of which was made to raise."""


def frozen_log(bootstrap_servers: str) -> dict[int, list[Record]]:
    """Read the final ticks log, by partition in order."""
    log: dict[int, list[Record]] = {partition: [] for partition in range(PARTITIONS)}
    with TopicReader(KafkaSettings(bootstrap_servers=bootstrap_servers)) as reader:
        for record in reader.read([TICKS], until_end=True):
            log[record.partition].append(record)
    return log


def expected_of(
    log: dict[int, list[Record]], universe: Path, catalogue: Path, *, raising: Raising = ()
) -> list[Said]:
    """Step a log once from end to end.

    Args:
        log: By partition.
        universe: File of instruments and pairs.
        catalogue: File of definitions.
        raising: Records a worker must set aside.

    Returns:
        Everything a worker must publish, each partition's in order.
    """
    worker = WorkerSettings(publish_values=True)
    settings = Settings(universe_file=universe, catalogue_file=catalogue, worker=worker)
    make_engine = engine_factory(settings)
    expected: list[Said] = []
    for partition, records in log.items():
        engine = make_engine(partition, PARTITIONS)
        bars_sequence = 0
        for record in records:
            said: list[OutgoingRecord] = []
            if (partition, record.offset) in raising:
                said.append(_letter(record, QUARANTINE_REASON))
                expected += [_identified(each, partition) for each in said]
                continue
            try:
                output = engine.step(record.value, record.offset)
            except FrameError as error:
                said.append(_letter(record, error.reason, str(error)))
            else:
                said += [event_record(event) for event in output.events]
                for bars in output.day_bars:
                    said += day_bar_records(bars, partition, record.offset)
                for bars in output.minute_bars:
                    frames = list(minute_bar_records(bars, partition, bars_sequence))
                    bars_sequence += len(frames)
                    said += frames
                topic = ValuesTopic(VALUES_TOPIC, VALUE_SHARDS)
                said += value_records(output.values, partition, record.offset, topic)
                for letter in output.dead_letters:
                    said.append(_letter(record, letter.reason, payload=letter.payload))
            expected += [_identified(each, partition) for each in said]
    return expected


def _letter(
    record: Record, reason: str, message: str | None = None, *, payload: bytes | None = None
) -> OutgoingRecord:
    return dead_letter_record(
        reason,
        record.value if payload is None else payload,
        max_bytes=_LETTER_BYTES,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        message=message,
    )


def _identified(record: OutgoingRecord, partition: int) -> Said:
    chosen = partition if record.partition is None else record.partition
    return identify(record.topic, record.key, record.value, dict(record.headers), chosen)


@dataclass(frozen=True)
class Differences:
    """How what was seen differs from what one undisturbed worker says.

    Args:
        lost: Expected and never seen.
        doubled: Seen more than once; the later sightings.
        foreign: Seen and never expected.
        altered: Seen with another value than expected.
        out_of_order: Keys the records of which were seen in another order.
    """

    lost: tuple[Said, ...]
    doubled: tuple[Seen, ...]
    foreign: tuple[Seen, ...]
    altered: tuple[Seen, ...]
    out_of_order: tuple[tuple[str, str], ...]

    @property
    def none(self) -> bool:
        """Whether set and order are the same."""
        return not (self.lost or self.doubled or self.foreign or self.altered or self.out_of_order)

    def __str__(self) -> str:
        if self.none:
            return "equal"
        counts = {
            "lost": len(self.lost),
            "doubled": len(self.doubled),
            "foreign": len(self.foreign),
            "altered": len(self.altered),
            "keys out of order": len(self.out_of_order),
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def differences(
    expected: Sequence[Said], seen: Sequence[Seen], *, may_alter: Collection[int] = ()
) -> Differences:
    """Compare as a set, and in order for each key.

    Args:
        expected: From `expected_of`.
        seen: By topic and partition in the order of the log.
        may_alter: Partitions whose state had to be rebuilt without a part of its past: their
            records say so in their values, which then differ; their names and order may not.
    """
    names = {_name(each): each for each in expected}
    assert len(names) == len(expected), "the oracle itself says something twice"
    first: dict[tuple[str, str, str], Seen] = {}
    doubled, foreign, altered = [], [], []
    for each in seen:
        name = _name(each.said)
        if name in first:
            doubled.append(each)
            continue
        first[name] = each
        if name not in names:
            foreign.append(each)
        elif names[name].digest != each.said.digest and not _may_differ(each.said, may_alter):
            altered.append(each)
    lost = [each for name, each in names.items() if name not in first]
    wanted, found = _by_key(expected), _by_key(each.said for each in first.values())
    out_of_order = [
        key
        for key, order in wanted.items()
        if [name for name in order if name in set(found[key])]
        != [name for name in found[key] if name in set(order)]
    ]
    return Differences(tuple(lost), tuple(doubled), tuple(foreign), tuple(altered), tuple(out_of_order))


def _name(said: Said) -> tuple[str, str, str]:
    return said.topic, said.key, said.name


def _may_differ(said: Said, may_alter: Collection[int]) -> bool:
    # Why a step raised is told in the words of the exception; that it is told is what counts.
    return said.home in may_alter or said.name.startswith(QUARANTINE_REASON)


def _by_key(records: Iterable[Said]) -> dict[tuple[str, str], list[str]]:
    order: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in records:
        order[each.topic, each.key].append(each.name)
    return order


def told(expected: Sequence[Said]) -> str:
    """How much there was to lose."""
    counts = Counter(
        each.name.partition(" ")[0] if each.topic == DEAD_LETTERS_TOPIC else _short_name(each.topic)
        for each in expected
    )
    return ", ".join(f"{count:,} {topic}" for topic, count in sorted(counts.items()))


def _short_name(topic: str) -> str:
    return "values" if topic == VALUES_TOPIC else topic.rpartition(".")[2]
