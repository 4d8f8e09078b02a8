"""One definition's lives, asked session by session."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.lifecycle import LifeCycle, Rule
from core.records import EventState, Quality

UNKNOWN, FALSE, TRUE = -1, 0, 1
MINUTE_NS = 60_000_000_000

Told = tuple[int, str, str, int, int]
"""Pair, state, previous state, episode, transition."""


@dataclass
class LifeDesk:
    """One definition over some pairs, asked session by session."""

    rule: Rule = field(default_factory=lambda: Rule(0, point=False, cool_down=0, expires=0))
    pairs: int = 1
    staging: int = 256

    def __post_init__(self) -> None:
        self.lives = LifeCycle(self.rule.number + 1, self.pairs, self.staging)
        self.rows = np.arange(self.pairs, dtype=np.int32)
        self.calls = 0

    @property
    def life(self) -> np.void:
        life: np.void = self.lives.lives[self.rule.number, 0]
        return life

    def column(self, answers: int | list[int]) -> np.ndarray:
        return np.array(answers if isinstance(answers, list) else [answers] * self.pairs, np.int8)

    def minute(self, enter: int | list[int], *, session: int, number: int = 1) -> list[Told]:
        quality = np.zeros(self.pairs, np.uint8)
        told: list[Told] = []
        position = 0
        while position < len(self.rows):
            position, filled = self.lives.provisional(
                self.rule,
                self.rows,
                position,
                self.column(enter),
                quality,
                episode=session,
                ts_event_ns=number * MINUTE_NS,
            )
            told += self.staged(filled)
        return told

    def close(
        self,
        enter: int | list[int],
        leave: int | list[int] = FALSE,
        invalid: int | list[int] = FALSE,
        *,
        session: int,
        level: float = 0.0,
        closing: bool = False,
        emit: bool = True,
    ) -> list[Told]:
        quality = np.full(self.pairs, Quality.OK, np.uint8)
        told: list[Told] = []
        position = 0
        while position < len(self.rows):
            position, filled = self.lives.final(
                self.rule,
                self.rows,
                position,
                self.column(enter),
                self.column(leave),
                self.column(invalid),
                np.full(self.pairs, level),
                quality,
                episode=session,
                session=session,
                ts_event_ns=session,
                ts_knowable_ns=session + 1,
                closing=closing,
                emit=emit,
            )
            told += self.staged(filled)
        return told

    def staged(self, filled: int) -> list[Told]:
        self.calls += 1
        return [
            (
                int(event["pair"]),
                EventState(int(event["state"])).label,
                EventState(int(event["previous_state"])).label,
                int(event["episode"]),
                int(event["transition"]),
            )
            for event in self.lives.staged[:filled]
        ]
