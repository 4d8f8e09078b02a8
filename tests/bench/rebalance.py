"""How long partitions stand still while a third worker joins two others, and leaves again.

A frame comes to each partition every ten milliseconds; each worker notes when it steps one. A
partition that stays with its worker should hardly notice; one that moves is stepped from its baseline
by the next owner, here in no time, because the engine does next to nothing.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.model.settings import KafkaSettings
from deploy.kafka.broker import LocalKafka
from producers.framing.publisher import TICK_HEADERS, open_producer
from tests.bench.brokered import TICKS_TOPIC
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.bench.timing import CHECKOUT
from tests.support.fake_engine import frame
from tests.support.kafka_broker import reset_topics

PARTITIONS = 6
ROUNDS = 3
STAY_GOAL = Goal(500)
_FRAME_S = 0.01
_SETTLED_S = 4.0
_DEADLINE_S = 90.0

Times = Mapping[int, NDArray[np.int64]]
"""Partition → instants of its steps in one worker, wall time, ns."""


@dataclass
class Member:
    """A worker process."""

    process: subprocess.Popen[str]
    opened: set[int] = field(default_factory=set)
    times: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    def end(self) -> None:
        """Let it leave the group in good order, and take what it has noted."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_DEADLINE_S)
        _until(lambda: bool(self.times))

    def listen(self) -> None:
        """Take what it says, on a thread of its own."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("opened "):
                self.opened.add(int(line.split()[1]))
            elif line.startswith("{"):
                noted = json.loads(line)
                self.times = {int(part): np.array(each, np.int64) for part, each in noted.items()}


def run(bench: Bench) -> Iterator[Figure]:
    """Some rounds of joining and leaving."""
    staying: dict[str, list[float]] = {"joins": [], "leaves": []}
    moving: dict[str, list[float]] = {"joins": [], "leaves": []}
    for number in range(bench.size(ROUNDS, 1)):
        progress(f"rebalance, round {number + 1}")
        reset_topics(bench.broker, PARTITIONS)
        stop = threading.Event()
        sender = threading.Thread(target=_send, args=(bench.broker, stop), daemon=True)
        sender.start()
        try:
            windows, members = _round(bench.broker, f"rebalance-{number}")
        finally:
            stop.set()
            sender.join()
        for what, (begin_ns, end_ns) in windows.items():
            stays, moves = pauses([member.times for member in members], begin_ns, end_ns)
            # A group that is thrown about by a busy machine may let no partition stay where it is.
            staying[what] += [max(stays)] if stays else []
            moving[what] += [max(moves)] if moves else []
    note = f"longest of all; {PARTITIONS} partitions, one worker beside two, exactly once"
    for what in staying:
        yield from _figures(f"a partition that stays, one {what}", staying[what], STAY_GOAL, note)
        yield from _figures(f"a partition that moves, one {what}", moving[what], None, "longest of all")


def _figures(name: str, runs: Sequence[float], goal: Goal | None, note: str) -> Iterator[Figure]:
    """One figure, or none where there was no such partition in any round."""
    if runs:
        yield figure(name, "ms", runs, goal, note)
    else:
        progress(f"{name}: there was none")


def pauses(members: Sequence[Times], begin_ns: int, end_ns: int) -> tuple[list[float], list[float]]:
    """Find how long each partition stood still.

    Args:
        members: Steps by worker.
        begin_ns: Of the time to look at.
        end_ns: Of the time to look at.

    Returns:
        The longest pause of each partition that one worker had all the time, and of each other, in ms.
        One that nobody stepped stood still all the time, and is among the others.
    """
    stays: list[float] = []
    moves: list[float] = []
    for partition in range(PARTITIONS):
        within = [
            times[partition][(times[partition] >= begin_ns) & (times[partition] < end_ns)]
            for times in members
            if partition in times
        ]
        within = [each for each in within if len(each)]
        gaps = np.diff(np.sort(np.concatenate([*within, np.array([begin_ns, end_ns])])))
        (stays if len(within) == 1 else moves).append(float(gaps.max()) / 1e6)
    return stays, moves


def _round(kafka: LocalKafka, group: str) -> tuple[dict[str, tuple[int, int]], list[Member]]:
    first, second = _member(kafka, group), _member(kafka, group)
    windows: dict[str, tuple[int, int]] = {}
    try:
        _until(
            lambda: len(first.opened | second.opened) == PARTITIONS and bool(first.opened and second.opened)
        )
        time.sleep(_SETTLED_S)
        begin_ns = time.time_ns()
        third = _member(kafka, group)
        _until(lambda: len(third.opened) == PARTITIONS // 3)
        time.sleep(_SETTLED_S)
        windows["joins"] = begin_ns, time.time_ns()
        # The last steps of the one that leaves are part of what is looked at.
        begin_ns = time.time_ns()
        time.sleep(_SETTLED_S)
        third.end()
        time.sleep(2 * _SETTLED_S)
        windows["leaves"] = begin_ns, time.time_ns()
    finally:
        members = [first, second, third]
        for member in members:
            if member.process.poll() is None:
                member.end()
    return windows, members


def _member(kafka: LocalKafka, group: str) -> Member:
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.bench.stepping_member",
            kafka.bootstrap_servers,
            str(PARTITIONS),
            group,
        ],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    member = Member(process)
    threading.Thread(target=member.listen, daemon=True).start()
    return member


def _send(kafka: LocalKafka, stop: threading.Event) -> None:
    """A frame to each partition, again and again."""
    producer = open_producer(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    sequence = 0
    try:
        while not stop.wait(_FRAME_S):
            payload = frame([100], sequence=sequence)
            for partition in range(PARTITIONS):
                producer.send(TICKS_TOPIC, payload, headers=TICK_HEADERS, partition=partition)
            sequence += 1
    finally:
        producer.close(timeout=1)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the group did not come to rest")
        time.sleep(0.02)
