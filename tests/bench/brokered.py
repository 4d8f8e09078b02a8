"""A worker on a real broker, measured from outside, as an operator runs it.

1. The worker starts, reads the warm start and waits at the end of the log.
2. It is stopped (SIGSTOP) while the part to be measured is written, so that the writer does not
   share the machine with it.
3. It goes on (SIGCONT): the clock runs from here until it has published and committed everything
   and says so in its log.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from kafka import KafkaProducer

from core.model.frames import HEADER_BYTES
from core.model.records import TICK
from core.model.settings import KafkaSettings
from core.model.timestamps import rfc3339
from deploy.kafka.broker import LocalKafka
from tests.support.kafka_broker import reset_topics
from tests.support.worker_process import WorkerProcess

TICKS_TOPIC = KafkaSettings().ticks_topic
PARTITIONS = 4
DEADLINE_S = 300.0

_SUMMARY = re.compile(
    r"processed ([\d,]+) ticks in ([\d,]+) frames: ([\d,]+) events, .* ([\d,]+) dead letters"
)
_PAUSE_S = 0.02

Frames = Sequence[tuple[int, bytes]]
"""Partition and payload, in the order in which they are written."""


class Sample(NamedTuple):
    """A process at one moment."""

    wall_s: float
    cpu_s: float
    peak_rss_mib: float


@dataclass(frozen=True, slots=True)
class WorkerRun:
    """What one run of the worker took.

    Args:
        ticks: Of the measured part, marks included.
        wall_s: From going on to the last commit.
        cpu_s: All its threads, over the same time.
        rss_mib: The most memory it ever held, warm start included.
        events: It published, warm start included.
    """

    ticks: int
    wall_s: float
    cpu_s: float
    rss_mib: float
    events: int


def worker_cpu() -> int | None:
    """The core that what is measured has for itself; None where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[-1] if len(cores) > 1 else None


def tick_count(frames: Iterable[tuple[int, bytes]]) -> int:
    """Ticks in frames, marks included."""
    return sum((len(payload) - HEADER_BYTES) // TICK.itemsize for _, payload in frames)


def publish(kafka: LocalKafka, frames: Frames) -> None:
    """Write frames to the ticks topic and wait until the broker has them all."""
    producer = KafkaProducer(
        bootstrap_servers=kafka.bootstrap_servers,
        acks="all",
        linger_ms=5,
        batch_size=256 * 1024,
        max_request_size=2 * 1024 * 1024,
    )
    try:
        sent = [producer.send(TICKS_TOPIC, payload, partition=partition) for partition, payload in frames]
        producer.flush(timeout=DEADLINE_S)
        failed = [future for future in sent if not future.succeeded()]
        if failed:
            raise RuntimeError(f"the broker did not take {len(failed)} of {len(sent)} frames")
    finally:
        producer.close()


def run_worker(
    kafka: LocalKafka,
    universe_file: Path,
    warm: Frames,
    measured: Frames,
    *,
    until_ns: int,
    delivery: str = "exactly-once",
    settings: Mapping[str, str] | None = None,
) -> WorkerRun:
    """Measure one worker on fresh topics.

    Args:
        kafka: The broker.
        universe_file: TOML.
        warm: Written and read before the clock runs; may be empty.
        measured: What is measured.
        until_ns: Event time that every partition has reached once `measured` is read.
        delivery: "exactly-once" or "at-least-once".
        settings: Further environment of the worker.
    """
    reset_topics(kafka, PARTITIONS)
    publish(kafka, warm)
    # By hand: a group would give the partitions away while the worker is stopped.
    how = ("--membership", "manual", "--delivery", delivery, "--until", rfc3339(until_ns))
    with WorkerProcess(*worker_arguments(kafka, universe_file), *how, environment=settings) as worker:
        pid = worker.process.pid
        pin(pid)
        worker.wait_until_ready(deadline_s=DEADLINE_S)
        os.kill(pid, signal.SIGSTOP)
        publish(kafka, measured)
        samples = [sample(pid)]
        os.kill(pid, signal.SIGCONT)
        while worker.process.poll() is None:
            samples.append(sample(pid))
            time.sleep(_PAUSE_S)
        code = worker.wait()
        stopped = worker.logged("worker stopped")["timestamp"]
        assert worker.process.stdout is not None
        said = _SUMMARY.search(worker.process.stdout.read())
        if code != 0 or said is None:
            raise RuntimeError(f"the worker ended with {code}: {worker.errors}")
    stepped, _, events, dead_letters = (int(number.replace(",", "")) for number in said.groups())
    if stepped != tick_count(warm) + tick_count(measured) or dead_letters:
        raise RuntimeError(f"the worker stepped {stepped:,} ticks with {dead_letters} dead letters")
    return _between(samples, datetime.fromisoformat(stopped).timestamp(), tick_count(measured), events)


def _between(samples: Sequence[Sample], stopped_s: float, ticks: int, events: int) -> WorkerRun:
    """Put together what was seen from the first sample until the worker said that it had stopped."""
    first = samples[0]
    last = next((each for each in samples if each.wall_s >= stopped_s), samples[-1])
    rss_mib = max(each.peak_rss_mib for each in samples)
    return WorkerRun(ticks, stopped_s - first.wall_s, last.cpu_s - first.cpu_s, rss_mib, events)


def worker_arguments(kafka: LocalKafka, universe_file: Path) -> list[str]:
    """Arguments of `rotascope consume`."""
    servers = kafka.bootstrap_servers
    return [
        *("--bootstrap-servers", servers, "--partitions", str(PARTITIONS)),
        *("--universe", str(universe_file), "--group-id", f"bench-{time.monotonic_ns()}"),
    ]


def pin(pid: int) -> None:
    """Let a process, as yet of one thread, use one core only; nothing where there is only one."""
    if (cpu := worker_cpu()) is not None:
        os.sched_setaffinity(pid, {cpu})


def sample(pid: int) -> Sample:
    """Look at a process; one that is just ending has no memory any more."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    peak_kib = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return Sample(time.time(), cpu_s, int(peak_kib[1]) / 1024 if peak_kib else 0.0)
