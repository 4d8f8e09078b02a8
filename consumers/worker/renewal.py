"""Certificates and secrets that are replaced while a worker runs: new clients, at a commit boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.worker.trouble_log import TroubleLog
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError

_NS_PER_MS: Final = 1_000_000
_TRY_AGAIN_NS: Final = 5_000 * _NS_PER_MS
"""After new files that the broker refuses: it may not have been told of them yet."""


class Renewal:
    """Exchanges the clients where the files have changed; the old ones work on until a new one is answered.

    Args:
        files: What the clients in use were made from.
        commit: Publishes and commits what there is; True when nothing is left.
        rejoin: Makes the reading client anew; False when it did not get to it, or no broker answered.
        renewed: Called once there is a new one.
        trouble: Where failures are told.
        monotonic_ns: A clock that never steps back.
    """

    def __init__(
        self,
        files: SecurityFiles,
        *,
        commit: Callable[[], bool],
        rejoin: Callable[[], bool],
        renewed: Callable[[], None],
        trouble: TroubleLog,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self._files = files
        self._commit = commit
        self._rejoin = rejoin
        self._renewed = renewed
        self._trouble = trouble
        self._monotonic_ns = monotonic_ns
        self._wanted = False
        self._refused = False
        self._not_before_ns = 0

    def look(self) -> None:
        """Look at the files, when it is time; where they have changed, exchange the clients.

        1. Commit, so that nothing that was computed is computed again.
        2. Make the reading client anew. Where it is refused, the old one stays in use.
        3. Give up the sending clients: the next record is sent by a new one.

        Raises:
            TransportError: Not retriable, and for another reason than what stands in the files.
        """
        self._wanted = self._wanted or self._files.due()
        if not self._wanted or self._monotonic_ns() < self._not_before_ns:
            return
        # 1
        # A client that is refused already cannot commit: what it holds is stepped again.
        if not (self._refused or self._commit()):
            return
        # 2
        try:
            if not self._rejoin():
                return
        except AccessRefusedError as error:
            self._not_before_ns = self._monotonic_ns() + _TRY_AGAIN_NS
            self._trouble.failed("replaced certificates or secrets are refused", error=error.message)
            return
        # 3
        self._wanted = self._refused = False
        self._renewed()

    def bears(self, error: AccessRefusedError) -> bool:
        """Say whether a refusal of a client in use may be over with new clients.

        Args:
            error: What one of the duties met.

        Returns:
            True where the files have changed since the client was made: the next look exchanges it.
        """
        if not (self._wanted or self._files.changed()):
            return False
        self._trouble.failed("refused, and certificates or secrets were replaced", error=error.message)
        self._wanted = self._refused = True
        return True
