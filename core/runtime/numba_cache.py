"""Where Numba keeps compiled kernels, so that it never loads one that is out of date.

Numba looks at the file a kernel stands in, not at the functions that kernel calls in other
files, nor at flags such as bounds checking. Both would let it load machine code of yesterday's
sources. So the directory's name ends in a digest of everything that decides the code.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, MutableMapping
from importlib.metadata import version
from pathlib import Path

from core.runtime.sources import CORE, sources_digest


def cache_digest(core: Path, environ: Mapping[str, str]) -> str:
    """Digest whatever decides the machine code of the kernels.

    Args:
        core: The directory of the package `core`.
        environ: The environment; every `NUMBA_…` setting counts, the cache's own place excepted.

    Returns:
        16 hexadecimal digits, over core's place, the sources of its pure rooms, Numba, Python and the
        settings. Numba shares nothing between two places, so neither does a directory.
    """
    digest = hashlib.sha256()
    place = str(core.resolve())
    for part in (place, version("numba"), platform.python_implementation(), platform.python_version()):
        digest.update(f"{part}\0".encode())
    for name in sorted(environ):
        if name.startswith("NUMBA_") and name != "NUMBA_CACHE_DIR":
            digest.update(f"{name}={environ[name]}\0".encode())
    digest.update(sources_digest(core).encode())
    return digest.hexdigest()[:16]


def compiled_kernels(environ: Mapping[str, str]) -> int:
    """How many compiled functions lie in the cache: 0 before the first start, which then takes long."""
    directory = environ.get("NUMBA_CACHE_DIR")
    return sum(1 for _ in Path(directory).rglob("*.nbc")) if directory else 0


def configure_numba_cache(environ: MutableMapping[str, str], core: Path = CORE) -> Path:
    """Point `NUMBA_CACHE_DIR` at the directory that fits these sources.

    Call it before anything imports Numba, which reads the variable only once. A directory the
    operator has set stays: an image brings its own, filled at build time.

    Args:
        environ: The environment to change; usually `os.environ`.
        core: The directory of the package `core`.

    Returns:
        The cache directory. It need not exist; Numba makes it.
    """
    chosen = environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    cache_home = environ.get("XDG_CACHE_HOME")
    base = Path(cache_home) if cache_home else Path.home() / ".cache"
    directory = base / "rotascope" / f"numba-{cache_digest(core, environ)}"
    environ["NUMBA_CACHE_DIR"] = str(directory)
    return directory
