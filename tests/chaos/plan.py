"""Which faults happen in which round: seeded, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.faults import FAULTS, Fault


@dataclass(frozen=True)
class Planned:
    """One round.

    Args:
        seed: Decides victims and moments.
        faults: In this order.
    """

    seed: int
    faults: tuple[Fault, ...]


def full_plan(rounds: int, faults_each: int, first_seed: int = 1) -> list[Planned]:
    """Deal every fault as often as every other, give or take one.

    Args:
        rounds: Number of rounds, each with a seed of its own.
        faults_each: Faults a round.
        first_seed: The others follow.
    """
    deck: list[Fault] = []
    shuffle = random.Random(first_seed).shuffle
    plan = []
    for seed in range(first_seed, first_seed + rounds):
        dealt: list[Fault] = []
        while len(dealt) < faults_each:
            if not deck:
                deck = list(FAULTS.values())
                shuffle(deck)
            dealt.append(deck.pop())
        plan.append(Planned(seed, tuple(dealt)))
    return plan


def short_plan(first_seed: int = 1) -> list[Planned]:
    """The faults of the short form, in one round."""
    return [Planned(first_seed, tuple(fault for fault in FAULTS.values() if fault.short))]


def named_plan(names: Sequence[str], first_seed: int = 1) -> list[Planned]:
    """The faults that are named, in one round."""
    return [Planned(first_seed, tuple(FAULTS[name] for name in names))]
