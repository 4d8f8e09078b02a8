"""The kafka-python consumer of a reader without a group: replaced after a failure or for new files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from core.kafka.clients import close_consumer, connect_consumer
from core.kafka.kafka_python import consumer_configuration
from core.kafka.security import while_files_are_replaced
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, TransportError
from core.model.settings import KafkaSettings

RETRY_S: Final = 0.5
"""Time between two attempts to connect."""
_RECONNECT_MS: Final = 1_500
"""How long one attempt to connect may hold up a poll."""


class ReaderConnection:
    """At most one consumer.

    Args:
        settings: How to reach Kafka, and how long the first connection may take.
        properties: Further ones, in kafka-python's names.
        tell: Takes a line when replaced files cannot be used.

    Raises:
        ConfigurationError: An address that is not `host:port`, or a file of the security.
        TransportError: No broker answers.
    """

    def __init__(
        self, settings: KafkaSettings, properties: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._properties = properties
        self._tell = tell
        self._files = SecurityFiles(settings.security, monotonic_ns=time.monotonic_ns)
        self._tried_s = 0.0
        self._closed = False
        self.consumer: Any = self._connected(settings.bootstrap_timeout_ms)
        """None while there is no connection."""

    def close(self) -> None:
        """Close it finally, from any thread."""
        self._closed = True
        self._discard()

    def lost(self, cause: TransportError) -> float:
        """Discard the consumer after a failure.

        Args:
            cause: The failure.

        Returns:
            The time of the failure, monotonic, in s.

        Raises:
            TransportError: Not retriable, or the connection was closed.
        """
        refused = isinstance(cause, AccessRefusedError)
        # A refusal may be over with what is in the files now.
        if not cause.retriable and not (refused and self._files.changed()):
            raise cause
        self._discard()
        self._require_open(cause)
        self._tried_s = time.monotonic()
        return self._tried_s

    def renew_if_due(self) -> bool:
        """Exchange a consumer whose certificates or secrets were replaced, once a new one connects.

        Returns:
            Whether it was exchanged; the new one has no assignment.
        """
        if not self._files.due():
            return False
        try:
            with while_files_are_replaced():
                new = self._connected(_RECONNECT_MS)
        except TransportError as error:
            self._tell(f"certificates or secrets were replaced and cannot be used yet: {error.message}")
            return False
        old, self.consumer = self.consumer, new
        close_consumer(old)
        return True

    def reconnect(self, timeout_ms: int) -> bool:
        """Connect again, or wait until the next attempt is due.

        Args:
            timeout_ms: How long to wait at most, in ms.

        Returns:
            Whether there is a new consumer; it has no assignment.

        Raises:
            TransportError: No broker answers, or the connection was closed.
        """
        self._require_open()
        wait_s = self._tried_s + RETRY_S - time.monotonic()
        if wait_s > 0:
            time.sleep(min(wait_s, timeout_ms / 1000))
            if wait_s > timeout_ms / 1000:
                return False
        with while_files_are_replaced():
            self.consumer = self._connected(_RECONNECT_MS)
        if self._closed:  # meanwhile
            self._discard()
            self._require_open()
        return True

    def _connected(self, timeout_ms: int) -> Any:
        # Configured for each consumer: a certificate may have been replaced since the last one.
        self._files.making()
        configuration = {**consumer_configuration(self._settings), **self._properties}
        consumer = connect_consumer(configuration, timeout_ms)
        self._files.taken()
        return consumer

    def _discard(self) -> None:
        if self.consumer is not None:
            consumer, self.consumer = self.consumer, None
            close_consumer(consumer)

    def _require_open(self, cause: TransportError | None = None) -> None:
        if self._closed:
            closed = TransportError(f"the reader of {self._settings.bootstrap_servers} was closed")
            closed.retriable = False
            raise closed from cause
