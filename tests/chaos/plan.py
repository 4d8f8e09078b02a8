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
SHORT_OUTAGES_S = (5, 35)
"""Each under every seed, at a moment that is dealt."""


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

    Outages are dealt beside them, one of each short length a seed; what takes long, once a round.

    Args:
        faults: Every one there is.
        seeds: How many.
        faults_each: Faults a seed.
        seeds_a_round: Topics and workers are made anew after so many.
        first_seed: The others follow.
    """
    random_ = random.Random(first_seed)
    dealers = {is_live: _Dealer(faults, random_, is_live=is_live) for is_live in (False, True)}
    rounds = []
    for number, start in enumerate(range(0, seeds, seeds_a_round), 1):
        own = range(first_seed + start, first_seed + min(start + seeds_a_round, seeds))
        is_live = number % LIVE_ROUNDS == 0
        producers = LIVE_FAULTS if is_live else 0
        dealt = [
            *islice(dealers[True].usual, producers),
            *islice(dealers[False].usual, faults_each * len(own) - producers),
        ]
        random_.shuffle(dealt)
        turns: list[Turn] = []
        for n, seed in enumerate(own):
            mine = dealt[n * faults_each : (n + 1) * faults_each]
            mine += dealers[is_live].outages()
            mine += islice(dealers[is_live].once_a_round, n == 0)
            random_.shuffle(mine)
            turns += (Turn(seed, fault) for fault in mine)
        rounds.append(tuple(turns))
    return rounds


class _Dealer:
    """Decks of the faults that need a producer, or of those that need none.

    Args:
        faults: Every one there is.
        random_: Shuffles.
        is_live: Which of the two.
    """

    def __init__(self, faults: Sequence[Fault], random_: random.Random, *, is_live: bool) -> None:
        own = [fault for fault in faults if fault.live == is_live]
        self.usual = _dealt([fault for fault in own if not (fault.away_s or fault.once_a_round)], random_)
        self.once_a_round = _dealt([fault for fault in own if fault.once_a_round], random_)
        self._outages = [
            _dealt([fault for fault in own if fault.away_s == seconds], random_)
            for seconds in SHORT_OUTAGES_S
        ]

    def outages(self) -> list[Fault]:
        """One of each short length."""
        return [fault for deck in self._outages for fault in islice(deck, 1)]


def _dealt(faults: Sequence[Fault], random_: random.Random) -> Iterator[Fault]:
    """Shuffled decks of all faults, one after the other."""
    while faults:
        deck = list(faults)
        random_.shuffle(deck)
        yield from deck


def short_plan(faults: Sequence[Fault], seed: int = 1) -> list[Round]:
    """The faults of the short form, in one round."""
    return [tuple(Turn(seed, fault) for fault in faults if fault.short)]


def outage_plan(seed: int = 1) -> list[Round]:
    """The long outages: two minutes under two seeds, and ten minutes while a producer writes."""
    return [
        (
            Turn(seed, FAULTS["outage-120s-in-transaction"]),
            Turn(seed + 1, FAULTS["outage-120s-in-restore"]),
        ),
        (Turn(seed, FAULTS["outage-600s-under-load"]),),
    ]


def named_plan(names: Sequence[str], seed: int = 1) -> list[Round]:
    """The faults that are named, in one round."""
    return [tuple(Turn(seed, FAULTS[name]) for name in names)]
