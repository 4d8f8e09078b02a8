"""Events from Apache Kafka to a web address: `rotascope events forward` and a local receiver.

The receiver is a process of its own, which reads each post whole and answers 204. Clock and processor time
run from the first post to the last; the forwarder and the receiver share the machine with the broker.
"""

from __future__ import annotations

import multiprocessing
import re
import socket
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from threading import Thread

from kafka import KafkaProducer

from core.events.events import encode_data, event_key, kafka_headers, topic_of
from tests.bench.registry import Bench
from tests.bench.report import Figure, Goal, figure, progress
from tests.support.kafka_broker import reset_topics
from tests.support.program import StartedProgram
from tests.support.sample_events import opposite_day

EVENTS = 10_000
PAIRS = 500
RUNS = 3
RATE_GOAL = Goal(1_000, at_least=True)
_SECRET = "a secret of the benchmark"  # noqa: S105 - of nothing else
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


def run(bench: Bench) -> Iterator[Figure]:
    """Measure both content modes; signed, 500 pairs."""
    count = bench.size(EVENTS, 500)
    reset_topics(bench.broker)
    progress(f"writing {count:,} events")
    producer = KafkaProducer(bootstrap_servers=bench.broker.bootstrap_servers, linger_ms=5)
    for number in range(count):
        event = opposite_day(pair=f"P{number % PAIRS}/SPX", episode=number)
        producer.send(topic_of(event), encode_data(event), key=event_key(event), headers=kafka_headers(event))
    producer.close()
    for mode in ("binary", "structured"):
        rates = [_rate(bench, mode, number, count) for number in range(bench.size(RUNS, 1))]
        note = f"{count:,} events of {PAIRS} pairs, signed, 8 connections"
        yield figure(f"events forward, {mode}", "events/s", rates, RATE_GOAL, note=note)


def _rate(bench: Bench, mode: str, number: int, count: int) -> float:
    progress(f"{mode}, run {number + 1}")
    near, far = multiprocessing.get_context("spawn").Pipe()
    receiver = multiprocessing.get_context("spawn").Process(target=_receive, args=(far, count), daemon=True)
    receiver.start()
    port = near.recv()
    words = ["events", "forward", "--to", f"http://127.0.0.1:{port}/", "--mode", mode, "--until-end"]
    words += ["--metrics-port", "0", "--group-id", f"bench-{mode}-{number}"]
    words += ["--bootstrap-servers", bench.broker.bootstrap_servers]
    try:
        with StartedProgram(*words, environment={"ROTASCOPE_FORWARD__SECRET": _SECRET}) as program:
            if program.wait(300) != 0:
                raise RuntimeError("".join(program.errors))
        seconds: float = near.recv()
    finally:
        receiver.kill()
    return count / seconds


def _receive(told: Connection, count: int) -> None:
    """Answer posts, and say how long it took from the first to the last."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    told.send(listener.getsockname()[1])
    times: list[float] = []
    while len(times) < count:
        listener.settimeout(0.1)
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        connection.settimeout(None)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Thread(target=_serve, args=(connection, times), daemon=True).start()
    told.send(times[count - 1] - times[0])
    time.sleep(60)  # the last answers are still to be read


def _serve(connection: socket.socket, times: list[float]) -> None:
    received = b""
    while data := connection.recv(65_536):
        received += data
        while (end := received.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(received, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(received) < whole:
                break
            received = received[whole:]
            times.append(time.monotonic())
            connection.sendall(_ANSWER)
