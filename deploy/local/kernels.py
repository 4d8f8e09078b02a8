"""`python -m deploy.local.kernels`: compile every kernel that is not in the cache, on all cores.

A process compiles what it imports, one kernel after the other, and a first start takes a core for
more than a minute. Kernels are cached one file each, so processes that import different modules
share the work.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from core.runtime.numba_cache import configure_numba_cache
from core.runtime.signals import unwound_by_signals
from core.runtime.sources import CORE

MAX_PROCESSES: Final = 8
"""Each holds the compiler and its libraries, some 250 MB."""
_MARK: Final = "@kernel("
"""What a module with kernels has in its source."""
_PATIENCE_S: Final = 10
"""For a process to end when it is told to; then it is killed."""


def kernel_modules(core: Path = CORE) -> list[str]:
    """Modules that have kernels, the longest source first: about as long as its compilation.

    Args:
        core: The directory of the package `core`.

    Returns:
        Their names below `core`.
    """
    sizes = {path: len(text) for path in core.rglob("*.py") if _MARK in (text := path.read_text("utf-8"))}
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))
    return [".".join(path.relative_to(core).with_suffix("").parts) for path in ordered]


def missing_modules(environ: Mapping[str, str]) -> list[str]:
    """Modules of which the cache holds nothing.

    Args:
        environ: Names the cache; where kernels are not compiled at all, none is missing.

    Returns:
        Names, in the order of `kernel_modules`.
    """
    if environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return []
    cache = Path(environ["NUMBA_CACHE_DIR"]) if "NUMBA_CACHE_DIR" in environ else None
    missing = []
    for name in kernel_modules():
        *_, package, module = CORE.name, *name.split(".")
        # Numba puts the index of a function below its package's name and a digest of the path.
        if cache is None or next(cache.glob(f"{package}_*/{module}.*.nbi"), None) is None:
            missing.append(name)
    return missing


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
def compiling(
    modules: Sequence[str], processes: int, *, silent: bool = False
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Let processes fill the cache; what is not done in the end is stopped.

    Args:
        modules: What to import, by names below `core`.
        processes: How many; 0 for none.
        silent: What goes wrong in them is not shown: who needs the kernels will hear of it.

    Yields:
        The processes.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        for share in shares(modules, processes):
            # This interpreter, with names found here. A group of its own: Ctrl-C is the caller's to handle.
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


def cores() -> int:
    """How many processes are worth their memory here."""
    # macOS does not say which cores a process may use.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MAX_PROCESSES)


def import_share(modules: Sequence[str]) -> None:
    """Import modules, each without the package it stands in.

    A package imports all its modules, and would have them compiled here as well. So an empty one
    stands for it. A module that asks the empty one for a name fails, and is imported again last,
    with the package itself, when others have filled the cache.

    Args:
        modules: Names below `core`.

    Raises:
        ImportError: Of the second try.
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
    """Import the modules that are named, or start processes that import what the cache lacks.

    Args:
        arguments: Names of modules below `core`; none: all of them, on all cores.

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
        with unwound_by_signals(), compiling(missing, cores()) as started:
            codes = [process.wait() for process in started]
    except KeyboardInterrupt:
        return 130
    # A signal's number comes negative; a shell adds it to 128.
    return next((code if code > 0 else 128 - code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
