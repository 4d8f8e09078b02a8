"""Certificates and secrets that are replaced while a program runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from core.kafka.oauth import oauth_client
from core.model.errors import RotascopeError
from core.model.kafka_security import KafkaSecurity

_NS_PER_MS: Final = 1_000_000


class SecurityFiles:
    """Compares the files' contents with those that the current client was made from.

    Contents count, not times: a file that is written anew with the same text changes nothing, and a file in
    a Kubernetes volume changes by a link. A file that cannot be read counts as unchanged: the client in use
    still works, and a new one would not.

    Args:
        security: Names the files, and how often they are looked at.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(self, security: KafkaSecurity, *, monotonic_ns: Callable[[], int]) -> None:
        self._security = security
        self._monotonic_ns = monotonic_ns
        self._looked_ns = monotonic_ns()
        self._used = self._making = self._digest()

    def due(self) -> bool:
        """Look, where the last look is long enough ago: whether a new client would read something else."""
        interval_ns = self._security.files_look_interval_ms * _NS_PER_MS
        return self._monotonic_ns() - self._looked_ns >= interval_ns and self.changed()

    def changed(self) -> bool:
        """Look now: whether a new client would read something else than the one in use has."""
        self._looked_ns = self._monotonic_ns()
        now = self._digest()
        return now is not None and now != self._used

    def making(self) -> None:
        """Note the files' contents: a client is about to be made from them, or from newer ones."""
        self._making = self._digest()

    def taken(self) -> None:
        """Note that the client that was being made is the one in use."""
        self._used = self._making or self._used

    def _digest(self) -> bytes | None:
        digest = hashlib.sha256()
        try:
            for file in self._files():
                digest.update(hashlib.sha256(file.read_bytes()).digest())
        except (OSError, RotascopeError):
            return None
        return digest.digest()

    def _files(self) -> Iterator[Path]:
        yield from self._security.named_files.values()
        if self._security.oauth_file is not None:
            client = oauth_client(self._security.oauth_file)
            yield from (file for file in (client.client_secret_file, client.ca_file) if file is not None)
