"""One round: a fresh set of topics, a log that grows, faults one after the other, and the judgement.

1. Topics are made anew; the end of the day before is written, which warms the state up.
2. Workers start; the reader is there before their first commit; the day begins to play.
3. Each fault in turn: strike, wait until its partitions are heard of again, bring the fleet back to
   its size, let it run for a moment.
4. The log is frozen; the workers finish it and end in good order.
5. What the reader saw is compared with what one undisturbed worker makes of the frozen log.
"""

from __future__ import annotations

import random
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from tests.chaos.arena import FLEET_SIZE, Arena, Injection
from tests.chaos.cluster import TICKS, Cluster
from tests.chaos.feed import PACE, Feed
from tests.chaos.fleet import Fleet, Manner
from tests.chaos.live_feed import LiveFeed
from tests.chaos.market_day import PARTITIONS, frames
from tests.chaos.oracle import Differences, differences, expected_of, frozen_log, told
from tests.chaos.plan import Round, Turn
from tests.chaos.tick_sets import TickSets, tick_sets
from tests.chaos.watcher import Seen, Watcher

SESSION_MINUTES = 390
SETTLE_S = (0.5, 2.0)
"""Between two faults."""
FINISH_DEADLINE_S = 60.0
LONG_ROUND_S = 300
"""Of outages. A vendor plays on meanwhile, and must not be at its end when the brokers are back."""
LONG_ROUND_PACE = 20


@dataclass(frozen=True)
class Result:
    """What became of one fault.

    Args:
        fault: Its name.
        seed: Of its round.
        recovery_s: From the fault to the first news of every partition that it hurt; None: never.
        stall_s: Longest time without news of one of them, from the fault on.
        outcome: `equal`, or what differs.
        failed: Whether a promise was broken.
    """

    fault: str
    seed: int
    recovery_s: float | None
    stall_s: float
    outcome: str
    failed: bool


@dataclass(frozen=True)
class Judgement:
    """What a whole round proved.

    Args:
        results: One a fault.
        differences: Of the whole round; None when it could not be finished.
        ticks: What producers wrote, held against the recording; None where none wrote.
        told: How much there was to lose.
    """

    results: tuple[Result, ...]
    differences: Differences | None = None
    ticks: TickSets | None = None
    told: str = "nothing is known"

    @property
    def differs(self) -> bool:
        """Whether the oracle has found a difference: what a mutation must lead to."""
        return self.differences is not None and not self.differences.none

    @property
    def failed(self) -> bool:
        """Whether any promise was broken."""
        unequal = self.differences is None or not self.differences.none
        unequal = unequal or (self.ticks is not None and not self.ticks.none)
        return unequal or any(each.failed for each in self.results)


def run_round(
    cluster: Cluster,
    directory: Path,
    turns: Round,
    *,
    manner: Manner,
    mutations: Sequence[str] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> Judgement:
    """Disturb a group of workers, and judge.

    Args:
        cluster: All brokers up.
        directory: Empty, for this round alone.
        turns: In this order.
        manner: How the workers share the partitions.
        mutations: Rules taken out of them.
        tell: Told what is being done.
    """
    group_id = f"chaos-{turns[0].seed}-{time.monotonic_ns()}"
    strikes: list[_Strike] = []
    is_live = any(turn.fault.live for turn in turns)
    is_long = sum(turn.fault.away_s for turn in turns) >= LONG_ROUND_S
    pace = LONG_ROUND_PACE if is_long else PACE
    ticks: TickSets | None = None
    with _arena(cluster, directory, manner, group_id, mutations, tell, pace if is_live else None) as arena:
        seed: int | None = None
        for turn in turns:
            if turn.seed != seed:
                seed = turn.seed
                arena.random.seed(seed)
            tell(f"{turn.fault.name}: {turn.fault.summary}")
            strikes.append(_strike(arena, turn))
            if strikes[-1].problem:
                tell(f"{strikes[-1].problem}; {arena.fleet.told()}")
                break
        tell("the log is frozen; the workers finish it")
        arena.feed.stop()
        problem = _finish(arena)
        seen = arena.watcher.finish()
        tell("one undisturbed worker over the same log")
        log = frozen_log(cluster.bootstrap_servers)
        for partition, kept in arena.kept.items():
            log[partition] = [*kept, *(each for each in log[partition] if each.offset > kept[-1].offset)]
        expected = expected_of(log, arena.fleet.universe, arena.fleet.catalogue, raising=arena.raising)
        found = differences(expected, seen, may_alter=arena.may_alter)
        if is_live:
            ticks = tick_sets(log)
        if problem:
            strikes[-1].problem = "; ".join(filter(None, (strikes[-1].problem, problem)))
    results = tuple(_result(strike, number, strikes, seen, found) for number, strike in enumerate(strikes))
    return Judgement(results, found, ticks, told(expected))


@dataclass
class _Strike:
    turn: Turn
    started_s: float
    injection: Injection | None = None
    problem: str = ""
    ended_s: float = 0.0


@contextmanager
def _arena(
    cluster: Cluster,
    directory: Path,
    manner: Manner,
    group_id: str,
    mutations: Sequence[str],
    tell: Callable[[str], None],
    live_pace: int | None,
) -> Iterator[Arena]:
    tell("topics made anew")
    cluster.revive()
    cluster.wait_until_whole()
    cluster.reset_topics()
    warm, live = frames(SESSION_MINUTES)
    fleet = Fleet(cluster, directory, manner, group_id=group_id, mutations=mutations)
    feed: Feed | LiveFeed
    if live_pace is not None:
        feed = LiveFeed(cluster.bootstrap_servers, warm, directory, fleet.universe, pace=live_pace)
    else:
        feed = Feed(cluster.bootstrap_servers, warm, live)
    watcher = Watcher(cluster.bootstrap_servers)
    try:
        tell("workers start")
        fleet.restore(FLEET_SIZE)
        fleet.wait_until_ready()
        feed.start()
        arena = Arena(cluster, feed, fleet, watcher, random.Random())
        start = Injection(time.monotonic(), feed.written_ns, tuple(range(PARTITIONS)))
        assert arena.wait_until_visible(start), "nothing is heard of the undisturbed workers"
        yield arena
    finally:
        fleet.close()
        feed.close()


def _strike(arena: Arena, turn: Turn) -> _Strike:
    arena.forget_injection()
    strike = _Strike(turn, time.monotonic())
    try:
        assert not arena.feed.exhausted, "the recording is at its end"
        turn.fault.strike(arena)
        strike.injection = arena.injection
        assert strike.injection is not None, "the fault never said that it happened"
        if arena.wait_until_visible(strike.injection):
            arena.fleet.restore(FLEET_SIZE)
            arena.fleet.wait_until_ready()
            arena.cluster.wait_until_whole()
        else:
            strike.problem = "never heard of again"
    except Exception as error:
        # One fault that goes wrong in an unforeseen way must still leave a table behind.
        strike.injection = strike.injection or arena.injection
        strike.problem = "".join(traceback.format_exception_only(error)).strip()
        arena.fleet.release()
    strike.ended_s = time.monotonic()
    time.sleep(arena.random.uniform(*SETTLE_S))
    return strike


def _finish(arena: Arena) -> str:
    """Wait until the group has committed the whole log, then let the workers leave; or say why not."""
    try:
        _wait_for_the_end(arena)
        for slot in sorted(arena.fleet.workers):
            arena.fleet.leave(slot)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return str(error)
    return ""


def _wait_for_the_end(arena: Arena) -> None:
    deadline = time.monotonic() + FINISH_DEADLINE_S
    places = [TopicPartition(TICKS, partition) for partition in range(PARTITIONS)]
    consumer = KafkaConsumer(
        bootstrap_servers=arena.cluster.bootstrap_servers.split(","),
        group_id=arena.fleet.group_id,
        isolation_level="read_committed",
        enable_auto_commit=False,
    )
    try:
        ends = consumer.end_offsets(places)
        missing: dict[int, int] = {}
        while True:
            try:
                offsets = {place: consumer.committed(place) or 0 for place in places}
                missing = {p.partition: ends[p] - at for p, at in offsets.items() if at < ends[p]}
                if not missing:
                    return
            except KafkaError:
                pass
            assert time.monotonic() < deadline, f"records by partition never committed: {missing}"
            time.sleep(0.1)
    finally:
        consumer.close(autocommit=False)


def _result(
    strike: _Strike,
    number: int,
    strikes: Sequence[_Strike],
    seen: Sequence[Seen],
    found: Differences,
) -> Result:
    last = number == len(strikes) - 1
    until_s = float("inf") if last else strikes[number + 1].started_s
    injection = strike.injection
    own = _within(found, strike, strikes, until_s)
    recovery_s: float | None = None
    stall_s = 0.0
    if injection is not None:
        end_s = min(until_s, strike.ended_s)
        times = [_times(seen, injection, partition, until_s, end_s) for partition in injection.partitions]
        news = [_first_news(seen, injection, partition) for partition in injection.partitions]
        recovery_s = None if None in news else max(at for at in news if at is not None) - injection.at_s
        stall_s = max(later - earlier for heard in times for earlier, later in pairwise(heard))
    outcome = "; ".join(part for part in (strike.problem, "" if own == "equal" else own) if part) or "equal"
    return Result(strike.turn.fault.name, strike.turn.seed, recovery_s, stall_s, outcome, outcome != "equal")


def _times(
    seen: Sequence[Seen], injection: Injection, partition: int, until_s: float, end_s: float
) -> list[float]:
    """The fault, and every moment after it at which something of the partition was heard."""
    heard = (e.at_s for e in seen if e.said.home == partition and injection.at_s < e.at_s < until_s)
    times = [injection.at_s, *sorted(heard)]
    if len(times) == 1:  # never heard of again
        times.append(end_s)
    return times


def _first_news(seen: Sequence[Seen], injection: Injection, partition: int) -> float | None:
    return min(
        (
            each.at_s
            for each in seen
            if each.said.home == partition
            and each.said.ts_event_ns > injection.written_ns
            and each.at_s > injection.at_s
        ),
        default=None,
    )


def _within(found: Differences, strike: _Strike, strikes: Sequence[_Strike], until_s: float) -> str:
    """The differences that belong to one fault: by when they were seen, or should have been."""
    first = strike is strikes[0]

    def own(each: Seen) -> bool:
        return (first or each.at_s >= strike.started_s) and each.at_s < until_s

    written_ns = 0 if first or strike.injection is None else strike.injection.written_ns
    later = [s.injection.written_ns for s in strikes[strikes.index(strike) + 1 :] if s.injection is not None]
    next_ns = min(later, default=2**63)
    return str(
        Differences(
            tuple(each for each in found.lost if written_ns <= each.ts_event_ns < next_ns),
            tuple(filter(own, found.doubled)),
            tuple(filter(own, found.foreign)),
            tuple(filter(own, found.altered)),
            found.out_of_order if until_s == float("inf") else (),
        )
    )
