"""`python -m tests.bench [NAME …]`: run benchmarks and print their figures."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from core.runtime.numba_cache import configure_numba_cache

# Before anything imports Numba, which reads these only once; tests look for mistakes with them, at a price.
for _switch in ("NUMBA_BOUNDSCHECK", "NUMBA_DISABLE_JIT"):
    os.environ.pop(_switch, None)
configure_numba_cache(os.environ)

from tests.bench.conditions import conditions, load  # noqa: E402
from tests.bench.registry import BENCHMARKS, Bench, Benchmark  # noqa: E402
from tests.bench.report import Figure, missed, progress  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all of them.

    Returns:
        0 when every one ran, whatever its figures.
    """
    options = _parser().parse_args(arguments)
    if options.list:
        for benchmark in BENCHMARKS:
            print(f"{benchmark.name:<18} {benchmark.summary}")
        return 0
    wanted = [each for each in BENCHMARKS if each.name in options.name or not (options.name or each.alone)]
    started_s = time.monotonic()
    for line in conditions():
        print(line)
    if options.short:
        print("sizes      short: they show that everything runs; the figures mean little")
    with ExitStack() as resources:
        bench = Bench(options.short, resources)
        figures = [figure for benchmark in wanted for figure in _run(benchmark, bench)]
    print(f"\n{len(figures)} figures in {time.monotonic() - started_s:.0f} s; load now {load()}")
    for each in missed(figures):
        print(f"missed: {each.name}: {each.median:.3g} {each.unit}, {each.goal}")
    return 0


def _run(benchmark: Benchmark, bench: Bench) -> list[Figure]:
    started_s = time.monotonic()
    print(f"\n{benchmark.name}: {benchmark.summary}", flush=True)
    figures = []
    for figure in benchmark.run(bench):
        print(figure, flush=True)
        figures.append(figure)
    progress(f"{benchmark.name} took {time.monotonic() - started_s:.0f} s")
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Print the figures of speed and memory, each with its goal. Nothing is asserted.",
        epilog="Figures go to standard output, progress to standard error. It takes a quarter of an hour.",
    )
    # Not `choices`: with nargs="*" argparse holds the empty list against them, and refuses it.
    parser.add_argument("name", nargs="*", type=_known, metavar="NAME", help="none: all of them but soak")
    parser.add_argument("--short", action="store_true", help="everything at small size, in about a minute")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and exit")
    return parser


def _known(name: str) -> str:
    names = [benchmark.name for benchmark in BENCHMARKS]
    if name not in names:
        raise argparse.ArgumentTypeError(f"no benchmark {name!r}; there are {', '.join(names)}")
    return name


if __name__ == "__main__":
    sys.exit(main())
