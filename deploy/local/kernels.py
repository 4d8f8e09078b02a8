"""`python -m deploy.local.kernels`: compiles every kernel missing from the cache, on all cores.

A process compiles kernels one by one as it imports them, which takes more than a minute of one core on
a first start. Each kernel is cached in its own file, so processes that import different modules share
the work.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from core.runtime.compilation import (
    TELL_EVERY_S,
    Tell,
    compiling_text,
    kernel_modules,
    missing_modules,
    still_missing,
)
from core.runtime.numba_cache import configure_numba_cache
from core.runtime.signals import unwound_by_signals
from core.runtime.sources import CORE

MAX_PROCESSES: Final = 8
"""Memory per process: the compiler and its libraries take some 250 MB."""
_PATIENCE_S: Final = 10
"""Time for a process to end after SIGTERM before it is killed."""


def shares(modules: Sequence[str], processes: int) -> list[list[str]]:
    """Distribute modules round-robin.

    Args:
        modules: Module names.
        processes: Number of shares.

    Returns:
        One list per process; none is empty.

    Example:
        >>> shares(["a", "b", "c"], 2)
        [['a', 'c'], ['b']]
    """
    return [share for first in range(processes) if (share := list(modules[first::processes]))]


@contextmanager
def compiling(
    modules: Sequence[str], processes: int, *, silent: bool = False
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run processes that fill the cache; unfinished ones are stopped at exit.

    Args:
        modules: Modules to import, by names below `core`.
        processes: Number of processes; 0 for none.
        silent: Hide their errors; importing the kernels will raise them again.

    Yields:
        The processes.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for share in shares(modules, processes):
            # Runs this interpreter with module names found here, in its own process group, so that the caller
            # handles Ctrl-C.
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "deploy.local.kernels", *share],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL if silent else None,
                process_group=0,
            )
            started.append(process)
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def compile_missing(missing: Sequence[str], tell: Tell, *, silent: bool = False) -> list[int]:
    """Fill the cache on all cores, and report the progress.

    Args:
        missing: Modules to compile.
        tell: Called whenever more are compiled.
        silent: See `compiling`.

    Returns:
        Exit codes of the processes; below zero for a signal.
    """
    told = 0
    with compiling(missing, cores(), silent=silent) as started:
        waiting = list(started)
        while waiting:
            with contextlib.suppress(subprocess.TimeoutExpired):
                waiting[0].wait(TELL_EVERY_S)
                waiting.pop(0)
            done = len(missing) - len(still_missing(missing, os.environ))
            if done > told:
                told = done
                tell(done, len(missing))
        return [process.wait() for process in started]


def cores() -> int:
    """Return the number of processes that is worth their memory on this machine."""
    # macOS does not report which cores a process may use.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MAX_PROCESSES)


def import_share(modules: Sequence[str]) -> None:
    """Import modules, each without its package.

    A package imports all its modules, which would compile them here as well, so it is replaced by an
    empty package. A module that needs a name from its package fails, and is imported again at the end
    with the real package, when others have filled the cache.

    Args:
        modules: Names below `core`.

    Raises:
        ImportError: The second attempt failed.
    """
    packages = {name.partition(".")[0] for name in kernel_modules() if "." in name}
    for name in packages:
        package = ModuleType(f"core.{name}")
        package.__path__ = [str(CORE / name)]
        sys.modules[package.__name__] = package
    again = []
    for name in modules:
        try:
            importlib.import_module(f"core.{name}")
        except ImportError:
            again.append(name)
    for name in packages:
        del sys.modules[f"core.{name}"]
    for name in again:
        importlib.import_module(f"core.{name}")


def main(arguments: Sequence[str]) -> int:
    """Import the given modules, or start processes that import those missing from the cache.

    Args:
        arguments: Names of modules below `core`; empty for all, on all cores.

    Returns:
        0; the exit code of the first process that failed; 130 for Ctrl-C.
    """
    configure_numba_cache(os.environ)
    if arguments:
        import_share(arguments)
        return 0
    missing = missing_modules(os.environ)
    if not missing:
        return 0
    print(f"rotascope: compiling kernels on {cores()} cores ...", file=sys.stderr)
    try:
        with unwound_by_signals():
            codes = compile_missing(
                missing,
                lambda done, total: print(f"rotascope: {compiling_text(done, total)}", file=sys.stderr),
            )
    except KeyboardInterrupt:
        return 130
    # A signal is reported as a negative number; shells report 128 plus its number.
    return next((code if code > 0 else 128 - code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
