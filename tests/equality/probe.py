"""Runs inside a checkout and writes down what its engine says of a log: `python -P probe.py LOG FILE`.

It finds what it needs by the name of the function or class, wherever the checkout's layout has put it, and
builds the logs with the checkout's own producers. It imports nothing of the tree it was started from.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

CHECKOUT: Final = Path.cwd()
_ROOMS: Final = ("core", "producers", "consumers", "deploy")
_SEEDS: Final = (1, 2, 3)
_STEP: Final = 500
"""Frames between two lines of progress."""


@cache
def _sources() -> Mapping[str, str]:
    """Module → text, of the whole product."""
    paths = (path for room in _ROOMS for path in sorted((CHECKOUT / room).rglob("*.py")))
    return {_dotted(path): path.read_text("utf-8") for path in paths}


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(CHECKOUT).with_suffix("").parts).removesuffix(".__init__")


@cache
def named(name: str) -> Any:
    """Give the function or class that the product defines under a name.

    Raises:
        LookupError: There is none, or more than one.
    """
    defines = re.compile(rf"^(?:def|class) {name}\b", re.MULTILINE)
    found = [module for module, text in _sources().items() if defines.search(text)]
    if len(found) != 1:
        raise LookupError(f"{name} is defined in {len(found)} modules of {CHECKOUT}: {found}")
    return getattr(_module(found[0]), name)


def _module(name: str) -> Any:
    module = importlib.import_module(name)
    place = Path(str(module.__file__)).resolve()
    if CHECKOUT not in place.parents:
        raise LookupError(f"{name} comes from {place}, not from {CHECKOUT}")
    return module


def compile_kernels() -> None:
    """Fill the cache that belongs to this checkout."""
    module = _module(named("kernel_modules").__module__)
    sys.exit(module.main([]))


Runs = Iterator[tuple[str, Any, Iterable[bytes]]]
"""Name of a log, a fresh engine for it, and its frames."""


def demo() -> Runs:
    """The eight days of the demo behind 35 years of closes, with the definitions that are shipped."""
    engine = _module("tests.integration.test_engine_demo_days").make_engine()
    yield "demo", engine, _module("tests.support.demo_log").demo_log(1)[0]


def real_day() -> Runs:
    """Every trade of four stocks on 2013-10-08."""
    day = _module("tests.integration.test_engine_real_day")
    log = day.log()
    yield "real day", day.make_engine(), _module("tests.support.logs").cut(log, range(0, len(log), 512))


def rich() -> Runs:
    """Short sessions of two calendars with late ticks, gaps, halts, corrections and what cannot be used."""
    logs, worlds = _module("tests.support.logs"), _module("tests.support.worlds")
    script = _module("tests.support.rich_log")
    for seed in _SEEDS:
        log = np.concatenate([script.warm_start(seed), script.rich_log(seed)])
        engine = worlds.make_engine(history_events=True)
        yield f"rich {seed}", engine, logs.cut(log, range(0, len(log), 50))


LOGS: Final[Mapping[str, Callable[[], Runs]]] = {"demo": demo, "real-day": real_day, "rich": rich}


def told(log: str, offset: int, output: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the kind and the fields of everything one step gave."""
    encode, headers = named("encode_data"), named("kafka_headers")
    key, topic = named("event_key"), named("topic_of")
    for event in output.events:
        yield (
            "events",
            {
                "log": log,
                "offset": offset,
                "topic": topic(event),
                "key": key(event).decode(),
                "headers": {name: value.decode() for name, value in headers(event)},
                "data": json.loads(encode(event)),
            },
        )
    for arrays in (output.minute_bars, output.day_bars):
        for array in arrays:
            for bar in array:
                fields = dict(zip(array.dtype.names, bar.item(), strict=True))
                yield "bars", {"log": log, "offset": offset, **fields}
    for letter in output.dead_letters:
        payload = base64.b64encode(letter.payload).decode()
        yield "dead letters", {"log": log, "offset": offset, "reason": letter.reason, "payload": payload}


def write(wanted: str, path: Path) -> None:
    """Step a log and write a line for everything the engine said."""
    with path.open("w", encoding="utf-8") as file:
        for log, engine, frames in LOGS[wanted]():
            payloads = list(frames)
            for offset, payload in enumerate(payloads):
                for kind, fields in told(log, offset, engine.step(payload, offset)):
                    file.write(json.dumps([kind, fields], separators=(",", ":")) + "\n")
                if (offset + 1) % _STEP == 0 or offset + 1 == len(payloads):
                    print(f"  {log}: {offset + 1:,} of {len(payloads):,} frames", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> None:
    """Compile the kernels, or write what is said of a log."""
    named("configure_numba_cache")(os.environ)
    if arguments == ["kernels"]:
        compile_kernels()
    write(arguments[0], Path(arguments[1]))


if __name__ == "__main__":
    main(sys.argv[1:])
