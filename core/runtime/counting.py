"""Counters and histograms of the metrics table, as prometheus_client objects.

Counting and scraping threads only share prometheus_client's locks. Label children are bound once,
because a lookup costs several times as much as an addition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Generic, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Gauge, Histogram, Metric
from prometheus_client import Counter as PrometheusCounter
from typing_extensions import override

from core.model.metrics import METRICS_BY_NAME

LATENCY_BOUNDS_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 15.0)

_Number = TypeVar("_Number", bound=float)
_Key = TypeVar("_Key", bound=str | tuple[str, ...])


class Count(PrometheusCounter):
    """A counter with a readable value and without a `_created` series."""

    @property
    def value(self) -> float:
        """Current count."""
        return float(self._value.get())

    @override
    def collect(self) -> Iterable[Metric]:
        return _without_created(super().collect())


class Level(Gauge):
    """A gauge with a readable value."""

    @property
    def value(self) -> float:
        """Last value set."""
        return float(self._value.get())


class Durations(Histogram):
    """A histogram of seconds without a `_created` series."""

    @override
    def collect(self) -> Iterable[Metric]:
        return _without_created(super().collect())


def _without_created(metrics: Iterable[Metric]) -> Iterable[Metric]:
    # The library can only disable them for the whole process, and the table has no rows for them.
    for metric in metrics:
        metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
        yield metric


def count(name: str, registry: CollectorRegistry) -> Count:
    """Create and register the counter of a row of the table."""
    row = METRICS_BY_NAME[name]
    return Count(name, row.help, row.labels, registry=registry)


def level(name: str, registry: CollectorRegistry) -> Level:
    """Create and register the gauge of a row of the table."""
    row = METRICS_BY_NAME[name]
    return Level(name, row.help, row.labels, registry=registry)


def durations(name: str, registry: CollectorRegistry) -> Durations:
    """Create and register the histogram of a row of the table."""
    row = METRICS_BY_NAME[name]
    return Durations(name, row.help, row.labels, registry=registry, buckets=LATENCY_BOUNDS_SECONDS)


class Bound(Protocol):
    """An object whose counters are bound to their labels."""

    @property
    def bound(self) -> Mapping[str, Count | Level]:
        """Metric by attribute name."""


class _Attribute(Generic[_Number]):
    """What numeric attributes that count have in common: their type, and the name they are given."""

    def __init__(self, kind: Callable[[float], _Number]) -> None:
        self._kind = kind
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name


class Number(_Attribute[_Number]):
    """A numeric attribute that is stored in a metric.

    `owner.rejoins += 1` adds to the counter. This is not atomic: if several threads count, call
    `owner.bound[name].inc` instead.

    Args:
        kind: `int` or `float`.
    """

    def __get__(self, owner: Bound, kind: type | None = None) -> _Number:
        return self._kind(owner.bound[self._name].value)

    def __set__(self, owner: Bound, value: _Number) -> None:
        metric = owner.bound[self._name]
        if isinstance(metric, Level):
            metric.set(value)
        else:
            metric.inc(value - metric.value)


class Part(_Attribute[_Number]):
    """A numeric attribute of one of several owners, such as partitions; the metric is the sum over them.

    Args:
        kind: `int` or `float`.
    """

    def __get__(self, owner: Bound, kind: type | None = None) -> _Number:
        return self._kind(owner.__dict__.get(self._name, 0))

    def __set__(self, owner: Bound, value: _Number) -> None:
        owner.bound[self._name].inc(value - owner.__dict__.get(self._name, 0))
        owner.__dict__[self._name] = value


class Counts(Mapping[_Key, int]):
    """The children of a labelled counter as a mapping; missing labels read as 0.

    Iteration and comparison omit zeros. Only counting threads may use it; a scrape reads the
    counter.

    Args:
        counter: The counter.
        leading: Values of its first labels; a key consists of the rest.
        known: Keys to export from the start, at 0.

    Example:
        >>> counts = Counts(Count("c", "help", ("feed", "reason"), registry=None), leading=("alpaca",))
        >>> counts["price"] += 2
        >>> counts.add("length")
        >>> dict(counts), counts["crc"], counts.total()
        ({'price': 2, 'length': 1}, 0, 3)
    """

    def __init__(self, counter: Count, *, leading: tuple[str, ...] = (), known: Iterable[_Key] = ()) -> None:
        self._counter = counter
        self._leading = leading
        self._children: dict[_Key, Count] = {}
        self.know(known)

    def add(self, key: _Key, amount: int = 1, *, exemplar: Mapping[str, str] | None = None) -> None:
        """Increment; thread-safe, and faster than `+=`.

        Args:
            key: The labels.
            amount: By how much.
            exemplar: What it was this time, for readers of the OpenMetrics format.
        """
        self._child(key).inc(amount, None if exemplar is None else dict(exemplar))

    def know(self, keys: Iterable[_Key]) -> None:
        """Export more keys from now on, at 0."""
        for key in keys:
            self._child(key)

    def total(self) -> int:
        """The sum over all labels."""
        return sum(self.values())

    def _child(self, key: _Key) -> Count:
        child = self._children.get(key)
        if child is None:
            own = (key,) if isinstance(key, str) else key
            child = self._children.setdefault(key, self._counter.labels(*self._leading, *own))
        return child

    def __getitem__(self, key: _Key) -> int:
        child = self._children.get(key)
        return 0 if child is None else int(child.value)

    def __setitem__(self, key: _Key, value: int) -> None:
        child = self._child(key)
        child.inc(value - child.value)

    def __contains__(self, key: object) -> bool:
        return any(key == each for each in self)

    def __iter__(self) -> Iterator[_Key]:
        return (key for key, child in list(self._children.items()) if child.value)

    def __len__(self) -> int:
        return sum(1 for _ in self)
