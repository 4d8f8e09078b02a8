"""A broker's log folder with no room left: a small file system of its own where one may be mounted.

Where it may not, the broker is told by its limits that no file may grow: to the broker both are a
write that fails.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE_MIB = 384
_FILLER = "filler"
_CHUNK = bytes(1024 * 1024)


class SmallDisk:
    """A file system in memory.

    Args:
        directory: Where it is mounted; made if missing.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(directory)],
            capture_output=True,
            check=False,
        )
        self.is_mounted = mounted.returncode == 0

    @contextmanager
    def full(self, process_id: int) -> Iterator[None]:
        """Let no byte be written.

        Args:
            process_id: Of the broker, for where nothing could be mounted.
        """
        if not self.is_mounted:
            _, most = resource.prlimit(process_id, resource.RLIMIT_FSIZE)
            resource.prlimit(process_id, resource.RLIMIT_FSIZE, (1, most))
            yield
            return
        filler = self._directory / _FILLER
        try:
            with filler.open("wb", buffering=0) as stream:
                try:
                    while True:
                        stream.write(_CHUNK)
                except OSError:
                    pass
            yield
        finally:
            filler.unlink()

    def release(self) -> None:
        """Take it away again."""
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", str(self._directory)], check=False)
        shutil.rmtree(self._directory, ignore_errors=True)
