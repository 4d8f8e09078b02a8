"""One definition's episodes, asked session by session."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from core.definitions.answers import CONFIRM, ENTER, EXTEND, FADE, INVALID, LEAVE, allocate_answers
from core.definitions.lifecycle import LifeCycle, Rule
from core.model.records import EventState, Quality

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
        self.number = self.rule.number
        count = self.number + 1
        rules = [replace(self.rule, number=number) for number in range(count)]
        self.lifecycle = LifeCycle(rules, np.ones((count, self.pairs), np.bool_), self.staging)
        self.numbers = np.array([self.number], np.int32)
        self.rows = np.arange(self.pairs, dtype=np.int32)
        self.answers = allocate_answers(count, self.pairs)
        self.calls = 0

    @property
    def life(self) -> np.void:
        life: np.void = self.lifecycle.episodes[self.number, 0]
        return life

    def say(self, question: int, answer: int | list[int]) -> None:
        self.answers.results[question, self.number] = answer

    def minute(self, enter: int | list[int], *, session: int, number: int = 1) -> list[Told]:
        self.say(ENTER, enter)
        self.answers.quality.fill(Quality.OK)
        told: list[Told] = []
        position = 0
        while position < len(self.rows):
            position, filled = self.lifecycle.provisional(
                self.numbers,
                self.rows,
                position,
                self.answers,
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
        confirm: int | list[int] = FALSE,
        fade: int | list[int] = FALSE,
        extend: int | list[int] = FALSE,
        session: int,
        level: float = 0.0,
        closing: bool = False,
        emit: bool = True,
    ) -> list[Told]:
        asked = (
            (ENTER, enter),
            (LEAVE, leave),
            (INVALID, invalid),
            (CONFIRM, confirm),
            (FADE, fade),
            (EXTEND, extend),
        )
        for question, answer in asked:
            self.say(question, answer)
        self.answers.quality.fill(Quality.OK)
        self.answers.level.fill(level)
        told: list[Told] = []
        position = 0
        while position < len(self.rows):
            position, filled = self.lifecycle.final(
                self.numbers,
                self.rows,
                position,
                self.answers,
                episode=session,
                session=session,
                ts_event_ns=session,
                ts_knowable_ns=session + 1,
                closing=closing,
                emit=emit,
                counted=emit,
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
            for event in self.lifecycle.staged[:filled]
        ]
