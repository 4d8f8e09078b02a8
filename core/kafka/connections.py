"""kafka-python's connections, which raise a refusal at the next request for a connection.

kafka-python 3.0.12 has code for this after a failed authentication, but it does not work: the client
drops what a broker sends right before it closes, and treats the failure as a success. A wrong password
is therefore tried again and again, and the caller only sees a time-out. Of a failed handshake it keeps
nothing.
"""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

from kafka.errors import KafkaError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from core.kafka.refusals import access_refused, credentials_refused
from core.kafka.tls import causes, handshake_refusal
from core.model.errors import AccessRefusedError, RotascopeError

_REFUSED_S: Final = 1.0
_PAUSE_S: Final = 0.1


class ConnectionRefusedForGoodError(KafkaError):  # type: ignore[misc]  # kafka-python has no types
    """Carries one of Rotascope's errors through kafka-python, which passes on only its own.

    Args:
        refusal: Why no connection is made.
    """

    retriable = False

    def __init__(self, refusal: AccessRefusedError) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def watched_client(**options: Any) -> KafkaNetClient:
    """Make the network half of one of kafka-python's clients, as its constructors take it."""
    net = NetworkSelector(**options)
    return _WatchedClient(net=net, manager=_WatchedConnections(net, **options))


class _WatchedClient(KafkaNetClient):  # type: ignore[misc]  # kafka-python has no types
    """Makes a node that refuses the client look like one that is not ready, for a producer's thread.

    That thread ignores every error and retries at once, in a busy loop. Records that wait to be sent fail
    after their time-out, as in an outage.
    """

    def maybe_connect(self, node_id: Any, **options: Any) -> None:
        with suppress(ConnectionRefusedForGoodError):
            super().maybe_connect(node_id, **options)

    def ready(self, node_id: Any, **options: Any) -> bool:
        try:
            return bool(super().ready(node_id, **options))
        except ConnectionRefusedForGoodError:
            return False

    def await_ready(self, node_id: Any, **options: Any) -> bool:
        try:
            return bool(super().await_ready(node_id, **options))
        except ConnectionRefusedForGoodError:
            time.sleep(_PAUSE_S)
            raise


class _WatchedConnections(KafkaConnectionManager):  # type: ignore[misc]  # kafka-python has no types
    """Never connects again to a node that has refused this client; a new client tries it anew."""

    async def _build_transport(self, node: Any, **options: Any) -> Any:
        transport = await super()._build_transport(node, **options)
        received = transport._sock_recv
        transport._sock_recv = lambda: _data_first(*received())
        return transport

    async def _connect(self, node: Any, conn: Any, **options: Any) -> None:
        await super()._connect(node, conn, **options)
        # The base class takes what failed for a success by now, and has reset the wait.
        conn.init_future.add_errback(partial(self._failed, node))

    def connection_delay(self, node_id: Any) -> float:
        """Give the time until a node is worth another look, in seconds."""
        return _REFUSED_S if node_id in self._auth_failures else float(super().connection_delay(node_id))

    def maybe_raise_auth_failure(self, node_id: Any) -> None:
        """Raise what a node has refused us for; a new error each time, or its traceback would grow."""
        refused = self._auth_failures.get(node_id)
        if isinstance(refused, ConnectionRefusedForGoodError):
            raise ConnectionRefusedForGoodError(refused.refusal)
        super().maybe_raise_auth_failure(node_id)

    def _failed(self, node: Any, error: BaseException) -> None:
        refusal = refusal_in(error, f"{node.host}:{node.port}")
        if refusal is not None:
            self._auth_failures[node.node_id] = ConnectionRefusedForGoodError(refusal)
        elif self.connection_delay(node.node_id) <= 0:
            self.update_backoff(node.node_id)


def _data_first(data: bytes, error: BaseException | None) -> tuple[bytes, BaseException | None]:
    """Return received data before the end of a connection; the next read finds the end again."""
    return data, None if data else error


def refusal_in(error: BaseException, where: str) -> AccessRefusedError | None:
    """Find out whether a connection was refused in a way that a retry cannot resolve.

    Args:
        error: What it failed with.
        where: host:port of the broker.

    Returns:
        None where a retry may succeed.
    """
    for each in causes(error):
        if isinstance(each, AccessRefusedError):
            return each  # no token is issued to us
        if isinstance(each, RotascopeError):
            # A file that cannot be used; where the endpoint of tokens is silent, a retry may help.
            return None if each.retriable else access_refused(each.message, each.operator_action or "")
        if isinstance(each, SaslAuthenticationFailedError | UnsupportedSaslMechanismError):
            return credentials_refused(where, _words(each))
    return handshake_refusal(where, error)


def _words(error: Any) -> str:
    """Give the broker's own text; none of the mechanisms puts a secret into it."""
    text = ", ".join(str(each) for each in error.args if each) or str(error.description)
    return text.removeprefix("SaslAuthenticationFailedError: ")
