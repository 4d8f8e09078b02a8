"""The sources that determine the engine's results: all pure rooms of `core`.

The names of compiled kernels and cached results include their digest, so that an edit invalidates both.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

CORE: Final = Path(__file__).resolve().parents[1]
IMPURE_ROOMS: Final = frozenset({"kafka", "runtime"})
"""Rooms with I/O. No pure room imports them, so they do not affect results."""


def pure_sources(core: Path = CORE) -> list[Path]:
    """List the sources of the pure rooms.

    Args:
        core: The directory of the package `core`.

    Returns:
        Paths of Python files, sorted.
    """
    return sorted(path for path in core.rglob("*.py") if path.relative_to(core).parts[0] not in IMPURE_ROOMS)


def sources_digest(core: Path = CORE) -> str:
    """Digest the names and contents of the pure rooms' sources.

    Args:
        core: The directory of the package `core`.

    Returns:
        64 hexadecimal digits. Independent of the directory's path.
    """
    digest = hashlib.sha256()
    for path in pure_sources(core):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(core).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()
