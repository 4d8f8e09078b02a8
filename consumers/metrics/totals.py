"""Counters of a process over engines that come and go with their partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from core.model.metrics import Sample

_Key = tuple[str, tuple[str, ...]]


class ProcessTotals:
    """Adds up what each engine has counted since it was last looked at.

    An engine's own count ends with its partition. A sum over the engines at hand would fall then, and
    Prometheus would take that for a restart. What an engine counts between the last scrape and its end is not
    included.

    Example:
        >>> class Engine: pass
        >>> totals, first, second = ProcessTotals(), Engine(), Engine()
        >>> totals.add(first, [Sample("flips_total", ("a",), 3)])
        >>> totals.add(first, [Sample("flips_total", ("a",), 5)])
        >>> totals.skip(second, [Sample("flips_total", ("a",), 7)])
        >>> totals.add(second, [Sample("flips_total", ("a",), 8)])
        >>> [sample.value for sample in totals.samples()]
        [6]
    """

    def __init__(self) -> None:
        self._totals: dict[_Key, float] = {}
        self._seen: WeakKeyDictionary[object, dict[_Key, float]] = WeakKeyDictionary()

    def add(self, engine: object, samples: Iterable[Sample]) -> None:
        """Add what an engine has counted since the last look.

        Args:
            engine: The engine; only its identity is used.
            samples: Its counts. One that has fallen began anew.
        """
        seen = self._seen.setdefault(engine, {})
        for name, labels, value in samples:
            key = (name, labels)
            before = seen.get(key, 0)
            self._totals[key] = self._totals.get(key, 0) + (value - before if value >= before else value)
            seen[key] = value

    def skip(self, engine: object, samples: Iterable[Sample]) -> None:
        """Look without adding: the engine repeats what was counted before."""
        seen = self._seen.setdefault(engine, {})
        for name, labels, value in samples:
            self._totals.setdefault((name, labels), 0)
            seen[name, labels] = value

    def samples(self) -> Iterator[Sample]:
        """Yield the totals."""
        for (name, labels), value in self._totals.items():
            yield Sample(name, labels, value)
