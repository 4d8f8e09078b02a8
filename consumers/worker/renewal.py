"""Reloads changed certificates and secrets: replaces the clients at a commit boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consumers.worker.trouble_log import TroubleLog
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError

_NS_PER_MS: Final = 1_000_000
_TRY_AGAIN_NS: Final = 5_000 * _NS_PER_MS
"""Delay before a retry after the broker has refused new files, which it may not have loaded yet."""


class Renewal:
    """Replaces the clients if the files have changed; the old ones stay in use until a new one works.

    Args:
        files: Security files of the current clients.
        commit: Publishes and commits all output; returns whether nothing is left.
        rejoin: Recreates the consumer client; returns False if it was not attempted or no broker answered.
        renewed: Called once the client has been recreated.
        trouble: Where failures are reported.
        monotonic_ns: Monotonic clock, ns.
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
        """Check the files when due; if they have changed, replace the clients.

        1. Commit, so that no output has to be computed again.
        2. Recreate the consumer client. If it is refused, the old one stays in use.
        3. Discard the producer clients; the next record is sent by a new one.

        Raises:
            TransportError: Not retriable, and not caused by the files.
        """
        self._wanted = self._wanted or self._files.due()
        if not self._wanted or self._monotonic_ns() < self._not_before_ns:
            return
        # 1
        # A client that is already refused cannot commit; its records are processed again.
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

    def may_resolve(self, error: AccessRefusedError) -> bool:
        """Return whether new clients may resolve a refusal of the current one.

        Args:
            error: The refusal.

        Returns:
            True if the files have changed since the client was made; the next check replaces it.
        """
        if not (self._wanted or self._files.changed()):
            return False
        self._trouble.failed("refused, and certificates or secrets were replaced", error=error.message)
        self._wanted = self._refused = True
        return True
