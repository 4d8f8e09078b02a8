"""`python -m tests.chaos.launch OPTIONS -- consume …`: a worker that can be held at a point of its turn.

Everything here wraps what the worker calls; its own code runs as it is.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deploy.local.numba_cache import configure_numba_cache

configure_numba_cache(os.environ)

from kafka import KafkaConsumer, KafkaProducer  # noqa: E402

from tests.chaos.control import RAISING, Control, Point  # noqa: E402


def main(arguments: Sequence[str]) -> None:
    """Wrap what is asked for, then run the command line of the product."""
    split = list(arguments).index("--")
    options = _parser().parse_args(arguments[:split])
    if options.control is not None:
        _add_points(Control(options.control))
    _raise_on_marked_records()
    sys.argv = ["rotascope", *arguments[split + 1 :]]
    from rotascope import main as run

    run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.launch", description=__doc__)
    parser.add_argument("--control", type=Path, help="directory of the points at which to hold")
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


def _add_points(control: Control) -> None:
    def at(point: Point) -> Callable[..., None]:
        return lambda *_, **__: control.pass_by(point)

    wrap(KafkaProducer, "flush", after=at(Point.SENT))
    wrap(KafkaConsumer, "commit", before=at(Point.COMMITTING), after=at(Point.COMMITTED))


def _raise_on_marked_records() -> None:
    """Let the step of a marked record raise, when it has ruined the engine's state: the worst moment."""
    from core.engine import PartitionEngine

    usual = PartitionEngine.step

    def step(self: PartitionEngine, payload: bytes, offset: int) -> Any:
        if payload.startswith(RAISING):
            self.state.instruments[:] = 0
            raise RuntimeError("this step was made to raise")
        return usual(self, payload, offset)

    PartitionEngine.step = step  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
