"""Runs a forwarder as a program: settings, Kafka, threads, metrics, signals, summary."""

from __future__ import annotations

import random
from collections.abc import Sequence

import structlog
import typer
from prometheus_client import CollectorRegistry, ProcessCollector

from consumers.forward.admission import Admission
from consumers.forward.attempts import Policy
from consumers.forward.counters import ForwardCounters
from consumers.forward.dead_letters import DeadLetters
from consumers.forward.destination import Destination
from consumers.forward.exporter import ForwardCollector
from consumers.forward.forwarder import Forwarder
from consumers.forward.group_reader import GroupReader
from consumers.forward.health import ForwardHealth
from consumers.forward.lanes import Lanes
from consumers.forward.posting import Posting
from consumers.forward.receiver_log import ReceiverLog
from consumers.forward.reconnecting import Reconnecting
from consumers.forward.signing import signer_of
from consumers.forward.state import ForwardState
from consumers.forward.webhook import Webhook, tls_context
from consumers.inspect.event_filter import EventFilter
from core.kafka.preflight import preflight
from core.model.errors import ConfigurationError
from core.model.settings import Settings
from core.runtime.metrics_server import MetricsServer
from core.runtime.reason_log import log_totals, reasons_text
from core.runtime.signals import StopFlag, calling_on_signals


def run_forwarder(
    settings: Settings, wanted: EventFilter, topics: Sequence[str], *, from_beginning: bool, until_end: bool
) -> None:
    """Forward events until a signal, or until nothing is left.

    1. Check address, secret and certificates, so that mistakes appear before the start.
    2. Serve /metrics, /livez and /readyz.
    3. Connect, and run the loop. Without an end the forwarder waits for a broker as long as it takes.

    Args:
        settings: All settings.
        wanted: Which events are posted.
        topics: Event topics that are read.
        from_beginning: Where to begin without a committed place.
        until_end: End once nothing is left.

    Raises:
        RotascopeError: Mapped to exit codes by the command.
    """
    # 1
    log, own = structlog.get_logger("rotascope.forward"), settings.forward
    if own.to is None:
        raise ConfigurationError(
            "--to is missing: the address that events are posted to",
            operator_action="give --to https://HOST/PATH, or set forward.to or ROTASCOPE_FORWARD__TO",
        )
    destination = Destination.parse(own.to)
    signer = signer_of(own)
    tls = tls_context(own.ca_file) if destination.scheme == "https" else None
    preflight(settings.kafka, log.warning)
    if signer is None:
        log.warning("posts are not signed: the receiver cannot tell who sends them; see --secret-file")
    group_id = own.group_id or destination.group_id
    reader = GroupReader(settings.kafka, group_id, topics, from_beginning=from_beginning)
    # 2
    registry, state, receiver = CollectorRegistry(), ForwardState(), ReceiverLog(destination.shown)
    counters, health = ForwardCounters(registry), ForwardHealth(state, receiver)
    registry.register(ForwardCollector(state, health))
    ProcessCollector(registry=registry)
    probes = {"/livez": health.why_not_alive, "/readyz": health.why_not_ready}
    with MetricsServer(
        registry, host=settings.metrics.host, port=settings.metrics.port, probes=probes
    ) as server:
        log.info("serving metrics", address=server.url, port=server.port)
        log.info("forwarding events", receiver=destination.shown, group_id=group_id, topics=len(topics))
        # 3
        stop, lanes = StopFlag(), Lanes()
        webhooks = [Webhook(destination, own, tls) for _ in range(own.connections_max)]
        forwarder = Forwarder(
            reader,
            Reconnecting(reader, settings.kafka, own, state, wait=not until_end, random=random.random),
            Admission(wanted, own.mode, Policy(own, random.random)),
            lanes,
            Posting(lanes, webhooks, own, signer, counters, receiver),
            DeadLetters(settings.kafka),
            own,
            counters,
            state,
            stop,
            until_end=until_end,
        )
        with calling_on_signals(stop.set, once=True):
            forwarder.run()
    _summarise(counters)


def _summarise(counters: ForwardCounters) -> None:
    events = counters.events
    typer.echo(
        f"forwarded {events['sent']:,} events, {events['filtered']:,} filtered, "
        f"{counters.retries.total():,} retries, "
        f"{counters.dead_letters.total():,} dead letters{reasons_text(counters.dead_letters)}"
    )
    log_totals("rotascope.forward", counters.dead_letters)
