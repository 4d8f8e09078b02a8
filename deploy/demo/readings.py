"""Reads values from /metrics and events from their topics."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from kafka import TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from consumers.inspect.event_lines import read_event
from core.kafka.partition_reader import PartitionReader
from core.kafka.records import Record
from core.kafka.topic_reader import TopicReader
from core.model.event_families import EVENT_FAMILIES
from core.model.settings import KafkaSettings
from core.model.topics import EVENTS_PREFIX

SCRAPE_TIMEOUT_S: Final = 5.0
EVENT_TOPICS: Final = tuple(EVENTS_PREFIX + family for family in EVENT_FAMILIES)


class Page:
    r"""One scrape of a /metrics page.

    Args:
        text: Page in Prometheus' text format.

    Example:
        >>> page = Page('ticks_total{partition="0"} 3.0\nticks_total{partition="1"} 4.0\n')
        >>> page.total("ticks_total"), page.by_labels("ticks_total", "partition")
        (7.0, {('0',): 3.0, ('1',): 4.0})
    """

    def __init__(self, text: str) -> None:
        self._samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def total(self, name: str) -> float:
        """Sum of a metric over all its labels; 0 if it is missing."""
        return sum(value for _, value in self._samples.get(name, ()))

    def by_labels(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Values of a metric by some of its labels."""
        return {tuple(own[label] for label in labels): value for own, value in self._samples.get(name, ())}


def scrape(url: str) -> Page | None:
    """Read a /metrics page; None while the server does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=SCRAPE_TIMEOUT_S) as answer:  # noqa: S310 - our own http address
            return Page(answer.read().decode())
    except (urllib.error.URLError, OSError, http.client.HTTPException):
        return None


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """One event of a topic.

    Args:
        event_id: The CloudEvents id.
        data: Event data, valid against its JSON Schema.
    """

    event_id: str
    data: Mapping[str, Any]


class EventReader:
    """Reads new events from their topics; repeated events are skipped.

    Args:
        kafka: Kafka settings, including how long to wait for an unreachable broker.
        tell: Called with a line when the broker becomes unreachable and when it is back.
    """

    def __init__(self, kafka: KafkaSettings, tell: Callable[[str], None] = lambda line: None) -> None:
        self._reader = TopicReader(kafka, patience_ms=kafka.patience_ms, tell=tell)
        self._seen: set[str] = set()

    def __enter__(self) -> Self:
        """Seek to the end of every topic."""
        self._reader.start(EVENT_TOPICS, from_beginning=False)
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connection."""
        self._reader.close()

    @property
    def away(self) -> bool:
        """Whether the broker is unreachable."""
        return self._reader.away

    def new(self) -> list[ReadEvent]:
        """Return the events since the last call, in order of knowable time.

        Does not block, except while the broker is unreachable.

        Raises:
            InputError: A record that is not a valid event.
        """
        return in_order(self._fresh(self._reader.poll(timeout_ms=0)))

    def rest(self) -> list[ReadEvent]:
        """Return the events up to the current end.

        Raises:
            InputError: A record that is not a valid event.
            TransportError: The end cannot be reached.
        """
        return in_order(self._fresh(self._reader.rest()))

    def _fresh(self, records: Iterable[Record]) -> Iterator[ReadEvent]:
        for record in records:
            event_id = dict(record.headers)["ce_id"].decode()
            if event_id not in self._seen:
                self._seen.add(event_id)
                yield ReadEvent(event_id, read_event(record))


def in_order(events: Iterable[ReadEvent]) -> list[ReadEvent]:
    """Sort events by knowable time, with a deterministic order of ties."""
    return sorted(
        events,
        key=lambda event: (
            event.data["knowable_time"],
            event.data["definition"],
            event.data["pair"],
            event.data["transition"],
        ),
    )


def end_offsets(kafka: KafkaSettings) -> dict[int, int]:
    """Return the end offset of every partition of the ticks topic.

    Raises:
        TransportError: The broker does not answer.
    """
    reader = PartitionReader(
        kafka,
        patience_ms=kafka.patience_ms,
    )
    try:
        topic = kafka.ticks_topic
        ends = reader.ends([TopicPartition(topic, number) for number in reader.partitions(topic)])
    finally:
        reader.close()
    return {place.partition: int(end) for place, end in ends.items()}
