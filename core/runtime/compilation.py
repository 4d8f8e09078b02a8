"""Which modules with kernels are missing from Numba's cache, and how far their compilation is.

The first start on a machine, or after an update, compiles them for a minute or more.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.runtime.sources import CORE

TELL_EVERY_S: Final = 5.0
_MARK: Final = re.compile(r"^@(kernel|day_pass|ring_pass)\(", re.MULTILINE)
"""Marker in the source of a module with kernels."""

Tell = Callable[[int, int], None]
"""Called with the number of modules that are compiled, and of all that were missing."""


def kernel_modules(core: Path = CORE) -> list[str]:
    """Return the modules with kernels, longest source first, as a proxy for compilation time.

    Args:
        core: The directory of the package `core`.

    Returns:
        Module names below `core`.
    """
    sizes = {path: len(text) for path in core.rglob("*.py") if _MARK.search(text := path.read_text("utf-8"))}
    ordered = sorted(sizes, key=lambda path: (-sizes[path], path))
    return [".".join(path.relative_to(core).with_suffix("").parts) for path in ordered]


def missing_modules(environ: Mapping[str, str]) -> list[str]:
    """Return the modules that are missing from the cache.

    Args:
        environ: Selects the cache; if kernels are not compiled at all, none is missing.

    Returns:
        Module names, in the order of `kernel_modules`.
    """
    if environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return []
    return still_missing(kernel_modules(), environ)


def still_missing(modules: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Return those of some modules that are missing from the cache.

    Args:
        modules: Names below `core`.
        environ: Selects the cache.
    """
    cache = Path(environ["NUMBA_CACHE_DIR"]) if "NUMBA_CACHE_DIR" in environ else None
    return [name for name in modules if cache is None or not _is_cached(name, cache)]


def _is_cached(name: str, cache: Path) -> bool:
    *_, package, module = CORE.name, *name.split(".")
    # Numba stores a function's index under its package's name and a digest of the path.
    return next(cache.glob(f"{package}_*/{module}.*.nbi"), None) is not None


def compiling_text(done: int, total: int) -> str:
    """Word the progress.

    Example:
        >>> compiling_text(12, 38)
        'compiling kernels, on the first start only: 12 of 38 modules'
    """
    return f"compiling kernels, on the first start only: {done} of {total} modules"


@contextmanager
def compilation_told(
    tell: Tell, environ: Mapping[str, str], *, every_s: float = TELL_EVERY_S
) -> Iterator[None]:
    """Report the progress while the block imports kernels that are missing; silent if none is.

    Args:
        tell: Called at the start, whenever more are compiled, and at the end.
        environ: Selects the cache.
        every_s: How often the cache is looked at.
    """
    missing = missing_modules(environ)
    if not missing:
        yield
        return
    imported = threading.Event()

    def watch() -> None:
        told = 0
        while not imported.wait(every_s):
            done = len(missing) - len(still_missing(missing, environ))
            if done > told:
                told = done
                tell(done, len(missing))

    tell(0, len(missing))
    watcher = threading.Thread(target=watch, name="compilation", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        imported.set()
        watcher.join()
    tell(len(missing) - len(still_missing(missing, environ)), len(missing))
