"""`python -m tests.chaos.launch OPTIONS -- consume …`: a worker or producer that can be held or maimed.

Everything here wraps what the program calls; its own code runs as it is, except under a mutation,
which takes one rule out to see that the suite notices.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.runtime.numba_cache import configure_numba_cache

configure_numba_cache(os.environ)

from kafka import KafkaConsumer, KafkaProducer  # noqa: E402
from kafka.coordinator.base import BaseCoordinator  # noqa: E402

from core.model.topics import MINUTE_BARS_TOPIC  # noqa: E402
from tests.chaos.control import RAISING, Control, Point  # noqa: E402
from tests.chaos.market_day import PARTITIONS  # noqa: E402
from tests.chaos.mutations import MUTATIONS  # noqa: E402

CLIENT_VARIABLE = "ROTASCOPE_KAFKA__CLIENT"


def main(arguments: Sequence[str]) -> None:
    """Wrap what is asked for, then run the command line of the product."""
    split = list(arguments).index("--")
    options = _parser().parse_args(arguments[:split])
    command = arguments[split + 1]
    # Before the points: a point must lie outside of what is maimed.
    for name in options.mutation:
        MUTATIONS[name].apply()
    if options.control is not None:
        add_points = _add_producer_points if command == "produce" else _add_worker_points
        add_points(Control(options.control))
    if options.detour:
        pairs = (each.split(":") for each in options.detour)
        _detour({int(usual): int(instead) for usual, instead in pairs})
    if command == "consume":
        _raise_on_marked_records()
    sys.argv = ["rotascope", *arguments[split + 1 :]]
    from rotascope import main as run

    run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.launch", description=__doc__)
    parser.add_argument("--control", type=Path, help="directory of the points at which to hold")
    parser.add_argument("--detour", action="append", help="PORT:PORT, connect to the second instead")
    parser.add_argument("--mutation", action="append", default=[], choices=list(MUTATIONS))
    return parser


def wrap(owner: Any, name: str, *, before: Callable[..., None] | None = None, after: Any = None) -> None:
    """Let something happen before or after a method's own work."""
    usual = getattr(owner, name)

    def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(self, *args, **kwargs)
        answer = usual(self, *args, **kwargs)
        if after is not None:
            after(self, *args, **kwargs)
        return answer

    setattr(owner, name, wrapped)


def _add_worker_points(control: Control) -> None:
    from consumers.worker.partition import PartitionTask
    from consumers.worker.phase import PartitionPhase

    def step(task: Any, *_: Any) -> None:
        restoring = task.phase is PartitionPhase.RESTORING
        control.pass_by(Point.RESTORING if restoring else Point.STEPPING)

    wrap(PartitionTask, "step", before=step)
    if os.environ.get(CLIENT_VARIABLE) == "confluent":
        _add_confluent_points(control)
    else:
        _add_kafka_python_points(control)


class _CommitPoints:
    """The points of a commit, at which only one that carries bars of a minute is held.

    Most commits only move an offset on. A fault that strikes one of those has nothing to lose or to
    double, and would prove nothing.

    Args:
        control: Holds.
    """

    def __init__(self, control: Control) -> None:
        self._control = control
        self._counts = True  # without transactions each does

    def publishing(self, transport: Any, sends: Any, *_: Any) -> None:
        """A transaction begins."""
        del transport
        self._counts = any(record.topic == MINUTE_BARS_TOPIC for record in sends)
        self.pass_by(Point.PUBLISHING)

    def pass_by(self, point: Point) -> None:
        """It comes to a point."""
        if self._counts:
            self._control.pass_by(point)

    def at(self, point: Point) -> Callable[..., None]:
        """The same, as `wrap` wants it."""
        return lambda *_, **__: self.pass_by(point)


def _add_kafka_python_points(control: Control) -> None:
    from consumers.transport.kafka_python import KafkaPythonTransport

    commit = _CommitPoints(control)
    wrap(KafkaConsumer, "subscribe", before=lambda *_, **__: control.pass_by(Point.JOINING))
    wrap(KafkaPythonTransport, "transact", before=commit.publishing)
    wrap(KafkaProducer, "flush", after=commit.at(Point.SENT))
    committing, committed = commit.at(Point.COMMITTING), commit.at(Point.COMMITTED)
    wrap(KafkaProducer, "commit_transaction", before=committing, after=committed)
    # Without transactions the commit is the consumer's.
    wrap(KafkaConsumer, "commit", before=committing, after=committed)
    wrap(BaseCoordinator, "reset_generation", after=lambda *_, **__: control.note(Point.EXPELLED))


def _add_confluent_points(control: Control) -> None:
    """Its classes are C: they are replaced, not wrapped."""
    import consumers.transport.confluent_transactions as transactions
    from consumers.transport.confluent import ConfluentTransport

    commit = _CommitPoints(control)
    usual: Any = vars(transactions)["Producer"]

    class HeldProducer(usual):  # type: ignore[misc]
        def flush(self, *arguments: Any) -> Any:
            answer = super().flush(*arguments)
            commit.pass_by(Point.SENT)
            return answer

        def commit_transaction(self, *arguments: Any) -> None:
            commit.pass_by(Point.COMMITTING)
            super().commit_transaction(*arguments)
            commit.pass_by(Point.COMMITTED)

    transactions.Producer = HeldProducer  # type: ignore[attr-defined]
    wrap(ConfluentTransport, "subscribe", before=lambda *_, **__: control.pass_by(Point.JOINING))
    wrap(ConfluentTransport, "transact", before=commit.publishing)


def _add_producer_points(control: Control) -> None:
    from producers.framing.holding_publisher import HoldingPublisher

    def send(_: Any, frame: Any) -> None:
        if frame.partition == PARTITIONS // 2:  # frames of one flush go out by partition
            control.pass_by(Point.FANNING_OUT)

    wrap(HoldingPublisher, "send", before=send)


def _detour(ports: Mapping[int, int]) -> None:
    """Connect to our proxies in place of the brokers, whatever addresses the cluster names."""
    usual = socket.socket.connect_ex

    def connect_ex(self: socket.socket, address: Any) -> int:
        host, port, *rest = address
        return usual(self, (host, ports.get(port, port), *rest))

    socket.socket.connect_ex = connect_ex  # type: ignore[assignment,method-assign]


def _raise_on_marked_records() -> None:
    """Let the step of a marked record raise, when it has ruined the engine's state: the worst moment."""
    from core.engine.engine import PartitionEngine

    usual = PartitionEngine.step

    def step(self: PartitionEngine, payload: bytes, offset: int) -> Any:
        if payload.startswith(RAISING):
            self.state.instruments[:] = 0
            raise RuntimeError("this step was made to raise")
        return usual(self, payload, offset)

    PartitionEngine.step = step  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
