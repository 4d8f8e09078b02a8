"""The ticks log as producers write it: a replay of the day, spoken in the vendor's protocol."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from core.kafka.kafka_python import consumer_configuration
from core.model.errors import FrameError
from core.model.frames import decode_frame
from core.model.settings import KafkaSettings
from tests.chaos.cluster import TICKS
from tests.chaos.control import Control, Point
from tests.chaos.feed import DELIVERY_TIMEOUT_S, PACE
from tests.chaos.market_day import PARTITIONS, Frame, write_session_files
from tests.chaos.proxy import Condition, Lines, Proxies
from tests.chaos.warm import WarmProcess
from tests.support.program import StartedProgram

KEYS = {"ROTASCOPE_ALPACA_KEY": "replay", "ROTASCOPE_ALPACA_SECRET": "replay"}
_END_OF_RECORDING_S = 30.0


class ChaosProducer(StartedProgram):
    """One producer process, which can be held at a point and cut off from its vendor.

    Args:
        control: Where it can be held.
        lines: Its way to the vendor.
        arguments: Of the command line.
        program: What Python runs.
    """

    def __init__(self, control: Control, lines: Lines, *arguments: str, program: Sequence[str]) -> None:
        super().__init__(*arguments, environment=KEYS, program=program)
        self.control = control
        self.lines = lines

    def _start(self) -> WarmProcess:
        return WarmProcess([*self._program, *self._arguments], self._environment)

    def cut_off(self) -> None:
        """Let the vendor drop the connection, as it does with a reader that takes nothing."""
        with self.lines.losing(Condition.WHOLE):
            pass


class LiveFeed:
    """A vendor, and the producer that reads it.

    Args:
        bootstrap_servers: Of the cluster.
        warm: The end of the day before: written as it is, by nobody's producer.
        directory: For points.
        universe: File of instruments.
        pace: Event seconds a second; the vendor plays on while the brokers are away.
    """

    def __init__(
        self,
        bootstrap_servers: str,
        warm: Sequence[Frame],
        directory: Path,
        universe: Path,
        *,
        pace: int = PACE,
    ) -> None:
        self._servers = bootstrap_servers
        self._directory = directory
        self._universe = universe
        self._proxies = Proxies()
        self._proxies.__enter__()
        self._stopping = threading.Event()
        self.producers: list[ChaosProducer] = []
        self.written_ns = warm[-1].ts_event_ns
        """Event time up to which something stands in the log."""
        self.newest_epoch = 0
        self.frames_of_old_epochs = 0
        """Frames that came behind frames of a younger producer."""
        self._writer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", linger_ms=2)
        for each in warm:
            self._writer.send(TICKS, each.payload, partition=each.partition)
        self._writer.flush(timeout=DELIVERY_TIMEOUT_S)
        files = [str(path) for path in write_session_files(directory)]
        self._vendor = StartedProgram("replay", "serve", "ticks", *files, "--port", "0", "--speed", str(pace))
        self._vendor.__enter__()
        found = re.search(r"ws://[^:]+:(\d+)(/\S*)", self._vendor.said("listening on"))
        assert found is not None
        self._vendor_port, self._path = int(found[1]), found[2]
        self._tail = threading.Thread(target=self._follow, name="ticks-tail", daemon=True)
        self._tail.start()

    @property
    def exhausted(self) -> bool:
        """Whether the vendor has played everything."""
        return self._vendor.process.poll() is not None

    def start(self) -> None:
        """Let the first producer connect; the day begins to play."""
        self.start_producer()

    def start_producer(self) -> ChaosProducer:
        """Start one more producer. Its epoch is the time of its start: higher than that of any before."""
        directory = self._directory / f"producer-{len(self.producers)}"
        directory.mkdir()
        lines = self._proxies.lines_to([self._vendor_port])
        port = lines.detours[0].partition(":")[2]
        producer = ChaosProducer(
            Control(directory),
            lines,
            *("produce", "alpaca", "--url", f"ws://127.0.0.1:{port}{self._path}"),
            *("--bootstrap-servers", self._servers, "--partitions", str(PARTITIONS)),
            *("--universe", str(self._universe), "--source", "tape", "--clock", "recorded"),
            *("--metrics-port", "0"),
            program=["--control", str(directory), "--"],
        )
        producer.__enter__()
        self.producers.append(producer)
        return producer

    def inject(self, partition: int, payload: bytes) -> int:
        """Append a record that is no tick frame at once; gives its offset."""
        return int(self._writer.send(TICKS, payload, partition=partition).get(DELIVERY_TIMEOUT_S).offset)

    def stop(self) -> None:
        """Let the producer end in good order and freeze the log."""
        self.producers[-1].control.let_go(Point.FANNING_OUT)
        self.producers[-1].terminate()
        code = self.producers[-1].wait()
        assert code == 0, f"the producer ended with {code}: {self.producers[-1].errors}"
        self.close()

    def close(self) -> None:
        """End everything that runs."""
        self._stopping.set()
        self._tail.join()
        for producer in self.producers:
            producer.__exit__()
        self._vendor.__exit__()
        self._writer.close(timeout=1)
        self._proxies.__exit__()

    def wait_for_epoch_after(self, epoch: int, deadline_s: float = _END_OF_RECORDING_S) -> None:
        """Wait until a younger producer has written."""
        deadline = time.monotonic() + deadline_s
        while self.newest_epoch <= epoch:
            assert time.monotonic() < deadline, "the stand-by writes nothing"
            time.sleep(0.02)

    def _follow(self) -> None:
        """Read the ticks as they come, for the time they speak of and who wrote them."""
        configuration = consumer_configuration(KafkaSettings(bootstrap_servers=self._servers))
        consumer = KafkaConsumer(**(configuration | {"auto_offset_reset": "earliest"}))
        consumer.assign([TopicPartition(TICKS, partition) for partition in range(PARTITIONS)])
        epochs: dict[int, int] = {}
        while not self._stopping.is_set():
            try:
                polled = consumer.poll(timeout_ms=50)
            except KafkaError:
                continue
            for place, records in polled.items():
                for record in records:
                    try:
                        header, ticks = decode_frame(record.value)
                    except FrameError:
                        continue  # a fault's own
                    self.frames_of_old_epochs += header.epoch < epochs.get(place.partition, 0)
                    epochs[place.partition] = max(header.epoch, epochs.get(place.partition, 0))
                    self.newest_epoch = max(self.newest_epoch, header.epoch)
                    self.written_ns = max(self.written_ns, int(ticks["ts_event"].max()))
        consumer.close(autocommit=False)
