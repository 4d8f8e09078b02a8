"""Certificates expire and are replaced while a producer and a worker run: nothing is lost or doubled.

A running Apache Kafka broker reads replaced files only when its configuration is altered. Here it is
restarted instead, which also makes every client connect again after the old certificates have expired.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka.admin import ACLOperation, ACLResourcePatternType, ResourceType

from core.kafka.security_files import SecurityFiles
from core.kafka.tls import probe, tls_context
from core.model.errors import AccessRefusedError
from core.model.kafka_security import KafkaSecurity
from core.model.settings import KafkaSettings
from core.model.topics import ticks_topic
from core.runtime.backoff import Backoff
from core.runtime.settings import collect_settings
from producers.framing.framer import Frame
from producers.framing.hold import Hold
from producers.framing.holding_publisher import HoldingPublisher
from producers.framing.publisher import open_producer
from producers.metrics import ProducerCounters
from tests.support.demo_log import RECENT_HISTORY, demo_log
from tests.support.engine_events import engine_event_ids
from tests.support.kafka_log import EVENT_TOPICS, Log, committed_offsets_with, read_with
from tests.support.secured.certificates import LOOPBACK_HOSTS, Authority, Identity
from tests.support.secured.listeners import Listener
from tests.support.secured.operator import PARTITIONS, make_topics
from tests.support.secured.rights import CLUSTER_NAME, Right, give
from tests.support.secured.users import USERS, Login
from tests.support.secured_broker import Secured, secured_broker
from tests.support.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

USER = USERS[Login.MUTUAL_TLS]
TICKS = ticks_topic(1)
VALID_FOR = timedelta(seconds=45)
"""Long enough for the first half of the log on a busy machine."""
END_NS = 1_720_756_800_000_000_000
"""2024-07-12 04:00 UTC: the first four of the demo's eight days."""
MIB = 1024 * 1024
DEADLINE_S = 90.0
RENEWED = "certificates or secrets were replaced: reconnecting"


class ClientFiles:
    """The files of a client, as an operator replaces them."""

    def __init__(self, folder: Path, authority: Authority, identity: Identity) -> None:
        folder.mkdir()
        self.ca, self.certificate, self.key = (folder / name for name in ("ca.pem", "own.pem", "own.key"))
        self.replace(authority, identity)

    def replace(self, authority: Authority, identity: Identity) -> None:
        shutil.copy(authority.certificate, self.ca)
        shutil.copy(identity.certificate, self.certificate)
        shutil.copy(identity.key, self.key)
        self.key.chmod(0o600)

    def settings_file(self, servers: str, client: str) -> Path:
        file = self.ca.parent / "rotascope.toml"
        file.write_text(
            f"""
            [kafka]
            bootstrap_servers = "{servers}"
            client = "{client}"
            partitions = {PARTITIONS}
            bootstrap_timeout_ms = 3000
            request_timeout_ms = 3000
            delivery_timeout_ms = 6000
            [kafka.security]
            protocol = "SSL"
            ca_file = "{self.ca}"
            certificate_file = "{self.certificate}"
            key_file = "{self.key}"
            files_look_interval_ms = 200
            """
        )
        return file


@pytest.fixture
def expires_at() -> datetime:
    """When the first certificates expire."""
    return datetime.now(UTC) + VALID_FOR


@pytest.fixture
def rotated(tmp_path: Path, expires_at: datetime) -> Iterator[Secured]:
    """A broker of its own, with Rotascope's topics; its certificate and its authority's expire soon."""
    with secured_broker(tmp_path / "broker", expires_in=expires_at - datetime.now(UTC)) as running:
        everything = [
            Right(USER.principal, kind, name, ACLResourcePatternType.LITERAL, ACLOperation.ALL)
            for kind, name in (
                (ResourceType.TOPIC, "*"),
                (ResourceType.GROUP, "*"),
                (ResourceType.TRANSACTIONAL_ID, "*"),
                (ResourceType.CLUSTER, CLUSTER_NAME),
            )
        ]
        give(running.broker, USER.principal, everything)
        make_topics(running)
        yield running


@pytest.fixture(scope="module")
def log() -> Log:
    return demo_log(PARTITIONS, flush_records=64, before_ns=END_NS, history_from=RECENT_HISTORY)


@pytest.fixture(scope="module")
def expected_ids(log: Log) -> list[str]:
    ids = engine_event_ids(log, PARTITIONS)
    assert len(ids) == len(set(ids)) > 20
    return ids


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_expired_and_replaced_certificates_lose_nothing_and_double_nothing(
    rotated: Secured, tmp_path: Path, expires_at: datetime, log: Log, expected_ids: list[str], client: str
) -> None:
    broker, old = rotated.broker, rotated.authority
    left = expires_at - datetime.now(UTC)
    files = ClientFiles(tmp_path / "client", old, old.issue(USER.name, expires_in=left))
    settings = files.settings_file(broker.servers(Listener.ROTATED), client)
    admin = KafkaSettings(bootstrap_servers=broker.servers(Listener.ADMIN))
    halves = {partition: len(payloads) // 2 for partition, payloads in log.items()}
    whole = {partition: len(payloads) for partition, payloads in log.items()}
    publisher = _publisher(collect_settings(settings, {}).kafka)
    arguments = ["--settings", str(settings), "--group-id", "rotated", "--slot", "a"]
    try:
        with WorkerProcess(*arguments) as worker:
            _send(publisher, log, dict.fromkeys(log, 0), halves)
            publisher.flush(DEADLINE_S)
            _wait(lambda: committed_offsets_with(admin, "rotated", PARTITIONS) == halves)
            # Before the old certificates expire: the broker accepts both.
            files.replace(old, old.issue(USER.name, expires_in=expires_at - datetime.now(UTC)))
            worker.logged(RENEWED, deadline_s=DEADLINE_S)
            renewed = len(worker.lines_of(RENEWED))
            assert datetime.now(UTC) < expires_at, "the machine is too slow for this test"
            _wait(lambda: datetime.now(UTC) > expires_at + timedelta(seconds=1))
            _require_expired(broker.servers(Listener.ROTATED), files)
            # After they have expired: both sides get new certificates of a new authority.
            broker.stop()
            new = Authority(tmp_path / "new-ca", "New CA")
            store = new.issue("broker", LOOPBACK_HOSTS).store
            shutil.copy(store, old.certificate.parent / "broker.store.pem")
            shutil.copy(new.certificate, old.certificate)
            files.replace(new, new.issue(USER.name))
            _send(publisher, log, halves, whole)
            broker.start()
            publisher.flush(DEADLINE_S)
            _wait(lambda: committed_offsets_with(admin, "rotated", PARTITIONS) == whole)
            assert len(worker.lines_of(RENEWED)) > renewed
            assert worker.terminate() == 0, worker.errors
    finally:
        publisher.close()
    ticks = read_with(admin, [TICKS])
    for partition, payloads in log.items():
        assert [each.value for each in ticks if each.partition == partition] == list(payloads)
    ids = [dict(record.headers)["ce_id"].decode() for record in read_with(admin, EVENT_TOPICS)]
    assert sorted(ids) == sorted(expected_ids)


def _publisher(kafka: KafkaSettings) -> HoldingPublisher:
    return HoldingPublisher(
        lambda: open_producer(kafka),
        topic=TICKS,
        source="test",
        hold=Hold(64 * MIB, 1e6, 64 * MIB),
        bytes_in_flight_max=MIB,
        counters=ProducerCounters("test"),
        backoff=Backoff(100, 500, 0, random=lambda: 0.5),
        files=SecurityFiles(kafka.security, monotonic_ns=time.monotonic_ns),
    )


def _send(publisher: HoldingPublisher, log: Log, begins: dict[int, int], ends: dict[int, int]) -> None:
    for partition, payloads in log.items():
        for payload in payloads[begins[partition] : ends[partition]]:
            publisher.send(Frame(partition, payload))


def _wait(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not done():
        assert time.monotonic() < deadline, f"not done after {DEADLINE_S:g} s"
        time.sleep(0.1)


def _require_expired(servers: str, files: ClientFiles) -> None:
    """Require that a new connection with the old certificates fails, and says why."""
    security = KafkaSecurity(
        protocol="SSL", ca_file=files.ca, certificate_file=files.certificate, key_file=files.key
    )
    context = tls_context(security)
    assert context is not None
    host, _, port = servers.rpartition(":")
    with pytest.raises(AccessRefusedError, match="has expired"):
        probe((host, int(port)), context, 5.0)
