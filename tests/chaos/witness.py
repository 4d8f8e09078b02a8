"""Watches workers and producers during an outage, and says what none of them may do or log in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tests.chaos.fleet import BROKER_SILENCE_MS, ChaosWorker
from tests.chaos.health_watch import HealthWatch, health_problems
from tests.chaos.live_feed import ChaosProducer
from tests.chaos.log_bound import UNTIL_RECOVERED, WITHOUT_BROKER, log_problems


@dataclass
class _Log:
    """The log of one process, and where in it something happened.

    Args:
        name: Of the process.
        lines: All so far; grows.
        since: Lines before the outage.
        until_back: Lines when the brokers were back.
    """

    name: str
    lines: list[str]
    since: int
    until_back: int = 0


class Witness:
    """Watches from the moment it is entered.

    Args:
        workers: All that live.
        producers: All that live.
        goes_away: Whether the whole cluster does: then a worker must not stay ready.
    """

    def __init__(
        self,
        workers: Sequence[ChaosWorker],
        producers: Sequence[ChaosProducer] = (),
        *,
        goes_away: bool = True,
    ) -> None:
        self._workers = workers
        self._producers = list(producers)
        self._goes_away = goes_away
        self._since_s = self._returning_s = self._back_s = 0.0
        self._watches: dict[str, HealthWatch] = {}
        self._logs: list[_Log] = []

    def __enter__(self) -> Self:
        self._since_s = time.monotonic()
        for worker in self._workers:
            name = f"worker {worker.slot}"
            self._watches[name] = HealthWatch(worker.get)
            self._logs.append(_Log(name, worker.log_lines, len(worker.log_lines)))
        for producer in self._producers:
            self._follow(producer)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for watch in self._watches.values():
            watch.stop()

    def started(self, producer: ChaosProducer) -> None:
        """Watch a producer that was started meanwhile, from its first line on."""
        self._producers.append(producer)
        self._follow(producer)

    def away(self) -> None:
        """Note that no broker is left."""
        self._since_s = time.monotonic()

    def returning(self) -> None:
        """Note that brokers are started from now on."""
        self._returning_s = time.monotonic()

    def back(self) -> None:
        """Note that all brokers answer."""
        self._back_s = time.monotonic()
        for log in self._logs:
            log.until_back = len(log.lines)

    def _follow(self, producer: ChaosProducer) -> None:
        self._logs.append(_Log("producer", producer.errors, len(producer.errors)))

    def problems(self) -> list[str]:
        """Say what was wrong, once the witness has been left."""
        now_s = time.monotonic()
        found = [f"producer ended with {each.process.poll()}" for each in self._producers if _ended(each)]
        for name, watch in self._watches.items():
            wrong = health_problems(
                watch.answers,
                away_s=self._since_s,
                returning_s=self._returning_s,
                back_s=self._back_s,
                silence_s=BROKER_SILENCE_MS / 1000 if self._goes_away else None,
            )
            found += [f"{name}: {each}" for each in wrong]
        for log in self._logs:
            without, behind = log.lines[log.since : log.until_back], log.lines[log.until_back :]
            wrong = log_problems(without, self._back_s - self._since_s, WITHOUT_BROKER)
            wrong += log_problems(behind, now_s - self._back_s, UNTIL_RECOVERED)
            found += [f"{log.name}: {each}" for each in wrong]
        return found


def _ended(producer: ChaosProducer) -> bool:
    return producer.process.poll() is not None
