"""`python -m deploy.local.kernels`: compile every kernel into the cache, on all cores.

A process compiles what it imports, one kernel after the other, and a first start takes a core for
about a minute. Kernels are cached one file each, so processes that import different modules share
the work.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from deploy.local.numba_cache import CORE, compiled_kernels, configure_numba_cache

MAX_PROCESSES: Final = 8
"""Each holds the compiler and its libraries, some 250 MB."""
_MARK: Final = "@kernel("
_PATIENCE_S: Final = 10


def kernel_modules(core: Path = CORE) -> list[str]:
    """Modules that have kernels, the longest source first: about as long as its compilation.

    Args:
        core: The directory of the package `core`.

    Returns:
        Names to import.
    """
    sizes = {path: len(text) for path in core.rglob("*.py") if _MARK in (text := path.read_text("utf-8"))}
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))
    return [".".join(("core", *path.relative_to(core).with_suffix("").parts)) for path in ordered]


def shares(modules: Sequence[str], processes: int) -> list[list[str]]:
    """Deal modules out in turn.

    Args:
        modules: Names.
        processes: How many get a share.

    Returns:
        One list a process; none is empty.

    Example:
        >>> shares(["a", "b", "c"], 2)
        [['a', 'c'], ['b']]
    """
    return [share for first in range(processes) if (share := list(modules[first::processes]))]


@contextmanager
def compiling(processes: int, *, silent: bool = False) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Let processes fill the cache; what is not done in the end is stopped.

    Args:
        processes: How many; 0 for none.
        silent: What goes wrong in them is not shown: who needs the kernels will hear of it.

    Yields:
        The processes.
    """
    started = [
        # This interpreter, with names found here. A group of its own: Ctrl-C is the caller's to handle.
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "deploy.local.kernels", *share],
            cwd=CORE.parent,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if silent else None,
            process_group=0,
        )
        for share in shares(kernel_modules(), processes)
    ]
    try:
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


def _import_share(modules: Sequence[str]) -> None:
    """Import modules, each without the package it stands in.

    A package imports all its modules, and would have them compiled here as well. So packages are
    left out, and a module that needs a whole one comes last, when others have filled the cache.
    """
    packages = {name.rpartition(".")[0] for name in kernel_modules()} - {CORE.name}
    for name in packages:
        package = ModuleType(name)
        package.__path__ = [str(CORE.parent.joinpath(*name.split(".")))]
        sys.modules[name] = package
    left = []
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            left.append(name)
    for name in packages:
        del sys.modules[name]
    for name in left:
        importlib.import_module(name)


def cores() -> int:
    """How many processes are worth their memory here."""
    return min(len(os.sched_getaffinity(0)), MAX_PROCESSES)


def main(arguments: Sequence[str]) -> int:
    """Import the modules that are named, or start processes that import all of them.

    Returns:
        0, or the exit code of a process that failed.
    """
    configure_numba_cache(os.environ)
    if arguments:
        _import_share(arguments)
        return 0
    if compiled_kernels(os.environ):
        return 0
    print(f"rotascope: compiling kernels on {cores()} cores ...", file=sys.stderr)
    with compiling(cores()) as started:
        return max(process.wait() for process in started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
