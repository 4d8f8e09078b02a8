"""Which faults happen in which order: seeded, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tests.chaos.faults import FAULTS, Fault

LIVE_ROUNDS = 3
"""Every third round's ticks come from a producer, and some of its faults are a producer's."""
LIVE_FAULTS = 4


class Turn(NamedTuple):
    """One fault.

    Args:
        seed: Decides victims and moments.
        fault: What happens.
    """

    seed: int
    fault: Fault


Round = tuple[Turn, ...]
"""What one set of topics, one log and one group of workers go through, in this order."""


def full_plan(
    faults: Sequence[Fault], seeds: int, faults_each: int, seeds_a_round: int, first_seed: int = 1
) -> list[Round]:
    """Deal every fault as often as every other, give or take one; those of producers to every third round.

    Args:
        faults: Every one there is.
        seeds: How many.
        faults_each: Faults a seed.
        seeds_a_round: Topics and workers are made anew after so many.
        first_seed: The others follow.
    """
    random_ = random.Random(first_seed)
    usual = _dealt([fault for fault in faults if not fault.live], random_)
    live = _dealt([fault for fault in faults if fault.live], random_)
    rounds = []
    for number, start in enumerate(range(0, seeds, seeds_a_round), 1):
        own = range(first_seed + start, first_seed + min(start + seeds_a_round, seeds))
        producers = LIVE_FAULTS if number % LIVE_ROUNDS == 0 else 0
        dealt = [*islice(live, producers), *islice(usual, faults_each * len(own) - producers)]
        random_.shuffle(dealt)
        rounds.append(tuple(Turn(own[n // faults_each], fault) for n, fault in enumerate(dealt)))
    return rounds


def _dealt(faults: Sequence[Fault], random_: random.Random) -> Iterator[Fault]:
    """Shuffled decks of all faults, one after the other."""
    while True:
        deck = list(faults)
        random_.shuffle(deck)
        yield from deck


def short_plan(faults: Sequence[Fault], seed: int = 1) -> list[Round]:
    """The faults of the short form, in one round."""
    return [tuple(Turn(seed, fault) for fault in faults if fault.short)]


def named_plan(names: Sequence[str], seed: int = 1) -> list[Round]:
    """The faults that are named, in one round."""
    return [tuple(Turn(seed, FAULTS[name]) for name in names)]
