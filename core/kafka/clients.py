"""kafka-python's clients: made and closed within a time limit, without leaving threads behind."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from kafka import KafkaConsumer
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from core.kafka.connections import watched_client
from core.kafka.errors import translated
from core.kafka.host_names import cannot_resolve
from core.kafka.kafka_python import consumer_configuration
from core.kafka.tls import probe
from core.kafka.unpacking import guard_unpacking
from core.model.errors import AccessRefusedError, ConfigurationError, TransportError
from core.model.settings import KafkaSettings
from core.runtime.deadline import DeadlineCall

_CONNECT_RETRY_S: Final = 0.1
_GRACE_MS: Final = 500
"""The client's own time-out comes first, because its error says more."""
_CLOSE_MS: Final = 1_000


def connect_consumer(configuration: Mapping[str, Any], timeout_ms: float) -> Any:
    """Make a `KafkaConsumer` that has found its cluster.

    Also in time where a broker accepts connections and answers nothing: with an explicit api_version
    kafka-python alone waits without a limit.

    Args:
        configuration: kafka-python's own, with `bootstrap_servers` as a list.
        timeout_ms: For all of it, in ms.

    Raises:
        AccessRefusedError: Credentials or a certificate are refused.
        ConfigurationError: An address that is not `host:port`.
        TransportError: No broker answers in time.
    """
    # Without any handler the client's connection attempts land on standard error.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    servers = ",".join(configuration["bootstrap_servers"])
    deadline_s = time.monotonic() + timeout_ms / 1000
    require_reachable(servers, timeout_ms, configuration.get("ssl_context"))
    left_ms = max(_CONNECT_RETRY_S, deadline_s - time.monotonic()) * 1000
    call = DeadlineCall[Any](lambda call: _bootstrapped(call, configuration, left_ms))
    with translated("connect to", servers):
        try:
            return call.within(left_ms + _GRACE_MS)
        except (TimeoutError, KafkaTimeoutError) as error:
            protocol = configuration.get("security_protocol", "PLAINTEXT")
            raise no_answer(servers, timeout_ms, protocol) from error


def no_answer(bootstrap_servers: str, timeout_ms: float, protocol: str) -> TransportError:
    """Make the error of brokers that accept a connection and say nothing.

    Args:
        bootstrap_servers: `host:port`, comma-separated.
        timeout_ms: How long they had.
        protocol: What the client speaks; one that speaks another is not answered, either.
    """
    return TransportError(
        f"a broker at {bootstrap_servers} accepts connections and does not answer within {timeout_ms:.0f} ms",
        operator_action=f"check that it is a Kafka broker whose listener takes {protocol} "
        "(kafka.security.protocol), and look at its log",
    )


def close_consumer(consumer: Any) -> None:
    """Close a consumer within a time limit; never raises."""
    closing = DeadlineCall[None](lambda call: consumer.close(autocommit=False, timeout_ms=_CLOSE_MS))
    with suppress(Exception):
        closing.within(2 * _CLOSE_MS)


def fresh_client_answers(settings: KafkaSettings, timeout_ms: int) -> bool:
    """Return whether a consumer made only for this question finds its cluster in time.

    Args:
        settings: Addresses, sizes and time-outs.
        timeout_ms: Time limit, in ms.
    """
    own = {"client_id": "rotascope-probe", "group_id": None}
    try:
        consumer = connect_consumer(consumer_configuration(settings) | own, timeout_ms)
    except TransportError:
        return False
    close_consumer(consumer)
    return True


def discard_producer(producer: Any) -> None:
    """End a producer without sending what it still holds.

    `close()` flushes first and, when that takes too long, returns and leaves its thread behind; only the
    sender can be made to drop records. Nor does it wake a thread that waits for a transaction: those
    requests are failed here, or that thread would never end.
    """
    producer._sender.force_close()
    with suppress(KafkaError):
        producer.close(timeout=1)
    manager = producer._transaction_manager
    if manager is not None and manager.is_transactional():
        closed = KafkaConnectionError("the producer was closed")
        for _, _, request in list(manager._pending_requests):
            request.result.done(error=closed)


def _bootstrapped(call: DeadlineCall[Any], configuration: Mapping[str, Any], left_ms: float) -> Any:
    consumer = made(KafkaConsumer, **(dict(configuration) | {"bootstrap_timeout_ms": left_ms}))
    try:
        consumer.bootstrap(timeout_ms=left_ms)
        call.point_of_no_return("connected")
    except BaseException:
        close_consumer(consumer)
        raise
    return guard_unpacking(consumer)


def made(kind: Callable[..., Any], **configuration: Any) -> Any:
    """Make a consumer, a producer or an admin client.

    kafka-python's constructors start a thread, then look for a broker; where none answers they raise and
    leave the thread behind. In an outage that would be one more with each try.

    Args:
        kind: Its class.
        configuration: In kafka-python's names.

    Raises:
        KafkaError: No broker answers, or one refuses us.
    """
    clients: list[Any] = []

    def client(**options: Any) -> Any:
        clients.append(watched_client(**options))
        return clients[-1]

    try:
        return kind(kafka_client=client, **configuration)
    except BaseException:
        for each in clients:
            with suppress(KafkaError):
                each.close()
        raise


def require_reachable(bootstrap_servers: str, timeout_ms: float, tls: ssl.SSLContext | None = None) -> None:
    """Wait until one of the servers accepts a connection.

    With an explicit api_version kafka-python begins a bootstrap of its own that has no deadline,
    and its `bootstrap(timeout_ms=…)` then waits for that one, which never ends without a broker. And no
    client says why a handshake fails, so a handshake is tried here first.

    Args:
        bootstrap_servers: `host:port`, comma-separated.
        timeout_ms: How long to try, all servers together.
        tls: From `core.kafka.tls`; None where connections are not encrypted.

    Raises:
        AccessRefusedError: A certificate is refused, on every server.
        ConfigurationError: An address that is none.
        TransportError: No server accepted in time.
    """
    addresses = addresses_of(bootstrap_servers)
    deadline_s = time.monotonic() + timeout_ms / 1000
    while all(failures := [_failure(address, deadline_s, tls) for address in addresses]):
        refused = [each for each in failures if isinstance(each, AccessRefusedError)]
        if len(refused) == len(failures):
            raise refused[0]
        if time.monotonic() >= deadline_s:
            raise TransportError(
                f"no broker at {bootstrap_servers} within {timeout_ms:.0f} ms: "
                f"{_reason(addresses, failures)}",
                operator_action="start the broker, or correct the bootstrap servers"
                + ("" if tls is None else " or kafka.security.protocol"),
            )
        time.sleep(_CONNECT_RETRY_S)


def _reason(
    addresses: Sequence[tuple[str, int]], failures: Sequence[BaseException | None]
) -> str | BaseException | None:
    """Name every host that cannot be resolved; otherwise the first failure."""
    unknown = [
        cannot_resolve(host)
        for (host, _), failure in zip(addresses, failures, strict=True)
        if isinstance(failure, socket.gaierror)
    ]
    return "; ".join(dict.fromkeys(unknown)) or failures[0]


def addresses_of(bootstrap_servers: str) -> list[tuple[str, int]]:
    """Read `host:port`, comma-separated.

    Raises:
        ConfigurationError: An address that is none.
    """
    return [_address(server.strip()) for server in bootstrap_servers.split(",")]


def _failure(address: tuple[str, int], deadline_s: float, tls: ssl.SSLContext | None) -> BaseException | None:
    left_s = max(_CONNECT_RETRY_S, deadline_s - time.monotonic())
    try:
        if tls is None:
            socket.create_connection(address, timeout=left_s).close()
        else:
            probe(address, tls, left_s)
    except (OSError, AccessRefusedError) as error:
        return error
    return None


def _address(server: str) -> tuple[str, int]:
    host, colon, port = server.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ConfigurationError(
            f"bootstrap server {server!r} is not host:port", operator_action="correct the bootstrap servers"
        )
    return host.strip("[]"), int(port)
