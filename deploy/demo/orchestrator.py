"""Starts the demo's programs in order and shuts them down."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from core.model.errors import TransportError
from core.model.instruments import parse_universe
from core.model.routing import home
from core.runtime.artefact_files import DEMO_ARTEFACTS, demo_set
from core.runtime.compilation import compiling_text, missing_modules, still_missing
from core.runtime.files import UNIVERSE, read_text
from core.runtime.reason_log import TOTALS_EVENT
from core.runtime.settings import PREFIX
from deploy.demo.broker import Broker, embedded_broker, real_broker
from deploy.demo.episodes import episodes
from deploy.demo.inputs import Inputs, read_inputs
from deploy.demo.observer import Observer
from deploy.demo.processes import Program, Programs
from deploy.demo.progress import Summary, View
from deploy.demo.readings import EventReader, end_offsets, in_order
from deploy.local.embedded_broker import require_input_fits
from deploy.local.kernels import compiling, cores
from producers.replay.demo import LAST_HISTORY_DAY

START_TIMEOUT_S: Final = 300.0
"""Timeout per program; on a small machine kernels take a minute to compile."""
END_TIMEOUT_S: Final = 60.0
"""Timeout for the worker to process the rest once all has been sent, and again to publish and exit."""
TURN_S: Final = 0.05

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """User options.

    Args:
        bootstrap_servers: A real broker; None for the embedded one.
        speed: Event seconds per second; 0: as fast as it is read.
        closes_file: Daily closes instead of the shipped ones.
        keep_s: How long broker and metrics stay up after the end of the recording.
    """

    bootstrap_servers: str | None = None
    speed: float = 0.0
    closes_file: Path | None = None
    keep_s: float = 0.0


def run_demo(options: Options, view: View) -> None:
    """Run the demo from start to summary.

    Args:
        options: User options.
        view: Shows the run.

    Raises:
        RotascopeError: Something failed; all started programs have ended.
    """
    with ExitStack() as stack:
        stack.enter_context(view)
        summary = Demo(options, view, stack).run()
    view.finished(summary)


class Demo:
    """One run.

    Args:
        options: User options.
        view: Shows the run.
        stack: Stops what was started, in reverse order.
    """

    def __init__(self, options: Options, view: View, stack: ExitStack) -> None:
        self._started_s = time.monotonic()
        self._options = options
        self._view = view
        self._directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rotascope-demo-")))
        self._secret = secrets.token_hex(16)
        self._broker = self._open_broker(stack)
        self._universe = parse_universe(read_text(None, UNIVERSE))
        reader = stack.enter_context(EventReader(self._broker.kafka, view.milestone))
        self._observer = Observer(view, reader, self._partition_of)
        # The user's own settings must not change the demo.
        environ = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        self._programs = stack.enter_context(Programs(self._directory, environ))
        self._missing = missing_modules(os.environ)
        # The worker compiles on one core as it imports: the other cores start with the slowest kernels.
        stack.enter_context(compiling(self._missing, cores() - 1, silent=True))
        view.milestone(f"{self._broker.name}, {self._broker.kafka.partitions} partitions of ticks")

    def run(self) -> Summary:
        """Run it on a broker with empty topics.

        1. Start the worker, which takes longest.
        2. Meanwhile put base rates and rarity in force, publish the daily history to the log, and start a
           server that plays the recording.
        3. The worker processes the history; values over months and years are ready from here on.
        4. The producer streams the recording until the server has played, the producer has sent, and
           the worker has processed everything.
        5. Stop the worker, which publishes what it holds; then the events are complete.
        """
        observer, programs = self._observer, self._programs
        # 1
        worker = programs.start("worker", ["consume", *self._broker.worker_flags, "--metrics-port", "0"])
        # 2
        inputs = read_inputs(self._options.closes_file)
        if self._options.bootstrap_servers is None:
            require_input_fits(inputs.bytes_by_partition(self._universe, self._broker.kafka.partitions))
        if self._options.closes_file is None:
            # Of the shipped closes. Before the history, whose frames have a later epoch of the same source.
            marking = programs.start("artefacts mark", self._mark_arguments())
            self._wait(marking, lambda: marking.require_success() or None)
        backfill = programs.start("backfill", self._backfill_arguments(inputs))
        server = programs.start("replay server", self._server_arguments(), self._keys("REPLAY"))
        # 3
        self._warm_up(worker, backfill)
        listening = self._wait(server, lambda: server.said("listening"))
        # 4
        producer = programs.start(
            "producer", self._producer_arguments(listening["url"]), self._keys("ALPACA")
        )
        observer.phase("starting the producer")
        self._wait(producer, lambda: producer.said("streaming"))
        played_s = self._play(worker, server, producer, int(listening["trades"]))
        self._keep(worker)
        # 5
        observer.phase("the worker publishes its remaining output")
        worker.ask_to_end()
        self._wait(worker, lambda: worker.require_success() or None, END_TIMEOUT_S)
        observer.last_events()
        return self._summary(listening, played_s, (worker, producer))

    def _open_broker(self, stack: ExitStack) -> Broker:
        servers = self._options.bootstrap_servers
        if servers is None:
            return stack.enter_context(embedded_broker())
        # A separate group: offsets of other runs do not apply here.
        return real_broker(servers, group_id=f"rotascope-demo-{secrets.token_hex(4)}")

    def _partition_of(self, numerator: str) -> int:
        """Return the partition whose engine computes the pairs of a numerator."""
        instrument_id = self._universe.instrument(numerator).instrument_id
        return home(instrument_id, self._broker.kafka.partitions)

    def _keys(self, who: str) -> dict[str, str]:
        """Return the API key of server and producer as environment variables with a prefix."""
        return {f"{PREFIX}{who}_KEY": "demo", f"{PREFIX}{who}_SECRET": self._secret}

    def _server_arguments(self) -> list[str]:
        arguments = ["replay", "serve", "bars", "--port", "0", "--format", "json"]
        arguments += ["--speed", f"{self._options.speed:g}"]
        if self._options.closes_file is not None:
            arguments += ["--closes", str(self._options.closes_file)]
        return arguments

    def _producer_arguments(self, url: str) -> list[str]:
        arguments = ["produce", "alpaca", "--url", url, "--clock", "recorded", "--metrics-port", "0"]
        return [*arguments, *self._broker.producer_flags]

    def _backfill_arguments(self, inputs: Inputs) -> list[str]:
        arguments = ["backfill", *self._broker.producer_flags]
        arguments += ["--history-until", LAST_HISTORY_DAY.isoformat()]
        for symbol, file in inputs.write_history(self._directory).items():
            arguments += ["--history", f"{symbol}={file}"]
        return arguments

    def _mark_arguments(self) -> list[str]:
        file = self._directory / DEMO_ARTEFACTS
        file.write_bytes(demo_set().as_json())
        return ["produce", "artefacts-mark", "--artefacts", str(file), *self._broker.producer_flags]

    def _warm_up(self, worker: Program, backfill: Program) -> None:
        """Wait until the worker has its kernels and has processed the history.

        Args:
            worker: Newly started worker.
            backfill: Newly started backfill.
        """
        observer = self._observer
        observer.phase("starting the worker")

        def serving() -> dict[str, Any] | None:
            if left := still_missing(self._missing, os.environ):
                total = len(self._missing)
                observer.phase(compiling_text(total - len(left), total))
            elif self._missing:
                observer.phase("starting the worker")
            return worker.said("serving metrics")

        address = self._wait(worker, serving)["address"]
        observer.metrics_at(address)
        self._view.milestone(f"worker started after {self._elapsed_s():.1f} s, metrics at {address}")
        observer.phase("publishing the daily history")
        self._wait(backfill, lambda: backfill.require_success() or None)
        observer.phase("processing the daily history")
        ends = end_offsets(self._broker.kafka)
        self._wait(worker, lambda: observer.has_stepped(ends) or None)
        self._view.milestone(f"daily history processed after {self._elapsed_s():.1f} s")

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    def _play(self, worker: Program, server: Program, producer: Program, trades: int) -> float:
        """Wait until all is played, sent and processed; return the seconds since the first trade."""
        observer, started_s = self._observer, time.monotonic()
        speed = self._options.speed
        pace = f"at {speed:,g} recorded seconds per second" if speed else "as fast as they are read"
        self._view.milestone(f"playing {trades:,} trades {pace}")
        observer.playing(server, trades)
        # Check both each time: either may fail while the other continues.
        while not all([server.require_success(), producer.require_success()]):
            worker.require_running()
            observer.look()
            time.sleep(TURN_S)
        observer.phase("all is sent; the worker processes the rest")
        ends = end_offsets(self._broker.kafka)
        self._wait(worker, lambda: observer.has_stepped(ends) or None, END_TIMEOUT_S)
        return time.monotonic() - started_s

    def _keep(self, worker: Program) -> None:
        """Keep everything running for inspection; Ctrl-C skips to the summary."""
        if self._options.keep_s <= 0:
            return
        observer = self._observer
        tail = " ".join(("rotascope events tail", *self._broker.tail_flags))
        self._view.milestone(f"kept running for {self._options.keep_s:g} s; try: {tail}")
        observer.phase("done; kept running for inspection")
        deadline_s = time.monotonic() + self._options.keep_s
        with contextlib.suppress(KeyboardInterrupt):
            while time.monotonic() < deadline_s:
                worker.require_running()
                observer.look()
                time.sleep(TURN_S)

    def _wait(self, program: Program, ready: Callable[[], T | None], timeout_s: float = START_TIMEOUT_S) -> T:
        """Observe until a program has reached a state.

        The timeout restarts whenever the worker makes progress, and while the broker is unreachable.

        Raises:
            ProgramError: The program has ended instead.
            TransportError: It takes too long, or the broker stays unreachable.
        """
        observer = self._observer
        deadline_s, stepped = time.monotonic() + timeout_s, observer.stepped
        while True:
            if observer.broker_away or observer.stepped != stepped:
                deadline_s, stepped = time.monotonic() + timeout_s, observer.stepped
            ended = program.exit_code is not None  # read before `ready`, which may see its last output
            found = ready()
            if found is not None:
                return found
            if ended:
                program.require_running()
            if time.monotonic() > deadline_s:
                raise TransportError(
                    f"the {program.name} has made no progress for {timeout_s:g} s; the end of its log:\n"
                    f"{program.tail()}",
                    operator_action="try again on a less busy machine",
                )
            observer.look()
            time.sleep(TURN_S)

    def _summary(self, listening: Mapping[str, Any], played_s: float, programs: Sequence[Program]) -> Summary:
        observer = self._observer
        transitions = in_order(observer.events)
        ticks = observer.progress.ticks
        return Summary(
            trades=int(listening["trades"]),
            symbols=tuple(listening["symbols"]),
            first_ns=int(listening["first_ts_event_ns"]),
            last_ns=int(listening["last_ts_event_ns"]),
            played_s=played_s,
            ticks=ticks,
            ticks_per_s=(ticks - observer.ticks_before_playing) / max(played_s, 1e-9),
            frames=observer.progress.frames,
            partitions=self._broker.kafka.partitions,
            transitions=transitions,
            episodes=episodes(transitions),
            metrics_url=observer.progress.metrics_url,
            wall_s=self._elapsed_s(),
            dead_letters={
                program.name: totals["reasons"]
                for program in programs
                if (totals := program.said(TOTALS_EVENT)) is not None
            },
        )
