"""What a benchmark is, and the list of them. A new one is a file here and a line in BENCHMARKS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.bench.report import Figure, progress

if TYPE_CHECKING:
    from deploy.kafka.broker import LocalKafka

Run = Callable[["Bench"], Iterator[Figure]]

JVM_OPTIONS = "-Xms512m -Xmx512m -XX:+UseG1GC -XX:MaxDirectMemorySize=256m"
"""For throughput; the tests' broker is set up for a quick start."""


@dataclass(slots=False)
class Bench:
    """What a benchmark is given.

    Args:
        short: Everything at small size, to see that it works; the figures mean little.
        resources: Closed when all benchmarks are done.
    """

    short: bool
    resources: ExitStack = field(repr=False)

    def size(self, usual: int, short: int) -> int:
        """Choose a number by the size of the run."""
        return short if self.short else usual

    @cached_property
    def directory(self) -> Path:
        """A directory that goes away at the end."""
        return Path(self.resources.enter_context(TemporaryDirectory(prefix="rotascope-bench-")))

    @cached_property
    def broker(self) -> LocalKafka:
        """One Apache Kafka broker for all benchmarks that need it, started by the first."""
        from deploy.kafka.broker import LocalKafka

        progress("starting an Apache Kafka broker")
        kafka = LocalKafka(self.directory / "kafka", jvm_options=JVM_OPTIONS)
        return self.resources.enter_context(kafka)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One subject.

    Args:
        name: As the command line takes it; its module has the same name and a function `run`.
        summary: What its figures say, in one line.
        alone: It takes so long that it runs only when it is named.
    """

    name: str
    summary: str
    alone: bool = False

    def run(self, bench: Bench) -> Iterator[Figure]:
        """Measure; gives each figure as soon as it is known."""
        run: Run = import_module(f"tests.bench.{self.name}").run
        yield from run(bench)


BENCHMARKS = (
    Benchmark("compile_time", "start of a worker: kernels compiled cold, and loaded from the cache"),
    Benchmark("kernel_calls", "an empty call of every kernel"),
    Benchmark("frame_decode", "bytes to checked ticks"),
    Benchmark("engine_passes", "apply_ticks a tick, and the pass over all pairs at a second's end"),
    Benchmark("rule_pass", "all rules over the pairs of a partition, beside the pass pair by pair"),
    Benchmark("scrape", "10,000 series of /metrics, and how long the worker's loop stands still for them"),
    Benchmark("snapshots", "a partition's snapshot: what is in it, its size, and the way back from it"),
    Benchmark("study", "35 years of daily history, every definition, base rates included"),
    Benchmark("feed_codec", "the vendor's JSON and msgpack to frames"),
    Benchmark("producer_hold", "how long a producer holds ticks without a broker, and its memory then"),
    Benchmark(
        "worker_throughput", "the whole worker on Apache Kafka, beside the client and the engine alone"
    ),
    Benchmark("delivery", "what transactions cost: exactly once beside at least once"),
    Benchmark("restore", "a partition from snapshot and log, read from Apache Kafka"),
    Benchmark("rebalance", "how long partitions stand still while a worker joins and leaves"),
    Benchmark("real_day", "two recorded days of October 2013 at full speed"),
    Benchmark("event_latency", "from a tick to the event in a reader's hands, in real time"),
    Benchmark("soak", "memory of a worker over twenty minutes, idle ones included", alone=True),
)
