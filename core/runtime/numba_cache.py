"""Location of Numba's cache of compiled kernels, chosen so that no outdated kernel is loaded.

Numba only checks the file of a kernel, not the functions it calls in other files, nor flags such as
bounds checking, so it could load machine code of outdated sources. The directory's name therefore ends
in a digest of everything that determines the code.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, MutableMapping
from importlib.metadata import version
from pathlib import Path

from core.runtime.sources import CORE, sources_digest


def cache_digest(core: Path, environ: Mapping[str, str]) -> str:
    """Digest everything that determines the machine code of the kernels.

    Args:
        core: The directory of the package `core`.
        environ: The environment; every `NUMBA_…` setting counts except the cache's location.

    Returns:
        16 hexadecimal digits, over core's path, the sources of its pure rooms, Numba, Python and the
        settings. The path counts because Numba does not share code between paths.
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


def configure_numba_cache(environ: MutableMapping[str, str], core: Path = CORE) -> Path:
    """Set `NUMBA_CACHE_DIR` to the directory for these sources.

    Call it before anything imports Numba, which reads the variable only once. A directory
    set by the operator is kept: an image has its own, filled at build time.

    Args:
        environ: The environment to change; usually `os.environ`.
        core: The directory of the package `core`.

    Returns:
        The cache directory. It need not exist; Numba creates it.
    """
    chosen = environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    cache_home = environ.get("XDG_CACHE_HOME")
    base = Path(cache_home) if cache_home else Path.home() / ".cache"
    directory = base / "rotascope" / f"numba-{cache_digest(core, environ)}"
    environ["NUMBA_CACHE_DIR"] = str(directory)
    return directory
