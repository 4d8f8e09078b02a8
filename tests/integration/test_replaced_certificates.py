"""Certificates and authorities are replaced while programs run: nothing is lost and nothing comes twice."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import ACLOperation, ACLResourcePatternType, ResourceType

from consumers.transport.registry import make_transport
from consumers.transport.seam import OutcomeKind
from consumers.worker.renewal import Renewal
from consumers.worker.trouble_log import TroubleLog
from core.kafka.records import Committed, OutgoingRecord, Record
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError, TransportError
from core.model.settings import KafkaSettings, WorkerSettings, parse_settings
from core.runtime.backoff import Backoff
from producers.framing.framer import Frame
from producers.framing.hold import Hold
from producers.framing.holding_publisher import HoldingPublisher
from producers.framing.publisher import open_producer
from producers.metrics import ProducerCounters
from tests.support.secured.certificates import LOOPBACK_HOSTS, Authority, Identity
from tests.support.secured.listeners import Listener
from tests.support.secured.rights import CLUSTER_NAME, Right, give
from tests.support.secured.users import USERS, Login
from tests.support.secured_broker import Secured, secured_broker

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(400)]

USER = USERS[Login.MUTUAL_TLS]
INPUT, OUTPUT = "replaced-input", "replaced-output"
MIB = 1024 * 1024
DEADLINE_S = 60.0


@pytest.fixture
def rotated(tmp_path: Path) -> Iterator[Secured]:
    """A broker of its own: its certificates are replaced."""
    with secured_broker(tmp_path / "broker") as running:
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
        admin = KafkaAdminClient(bootstrap_servers=[running.broker.servers(Listener.ADMIN)])
        one = {"num_partitions": 1, "replication_factor": 1}
        admin.create_topics({INPUT: one, OUTPUT: one}, wait_for_metadata=True)
        admin.close()
        yield running


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

    def settings(self, servers: str, client: str) -> KafkaSettings:
        security = {
            "protocol": "SSL",
            "ca_file": self.ca,
            "certificate_file": self.certificate,
            "key_file": self.key,
            "files_look_interval_ms": 200,
        }
        kafka = {
            "bootstrap_servers": servers,
            "client": client,
            "partitions": 1,
            "bootstrap_timeout_ms": 3_000,
            "request_timeout_ms": 3_000,
            "delivery_timeout_ms": 6_000,
            "security": security,
        }
        return parse_settings({"kafka": kafka}).kafka


class Copier:
    """Reads, and writes what it read in transactions, as a worker does."""

    def __init__(self, kafka: KafkaSettings) -> None:
        worker = WorkerSettings(membership="manual", slot="copier")
        self.files = SecurityFiles(kafka.security, monotonic_ns=time.monotonic_ns)
        self.transport = make_transport(kafka, worker)
        self.transport.assign(INPUT, [0])
        self.transport.seek(0, 0)
        self.waiting: list[Record] = []
        self.done = 0
        self.renewals = 0
        self.renewal = Renewal(
            self.files,
            commit=self.commit,
            rejoin=self._rejoin,
            renewed=self._renewed,
            trouble=TroubleLog(time.monotonic_ns),
            monotonic_ns=time.monotonic_ns,
        )

    def commit(self) -> bool:
        if not self.waiting:
            return True
        sends = [OutgoingRecord(OUTPUT, None, record.value, ()) for record in self.waiting]
        behind = self.waiting[-1].offset + 1
        outcome = self.transport.transact(sends, {0: Committed(behind, "")}, None, 5_000)
        assert outcome.kind is not OutcomeKind.UNKNOWN, outcome
        if outcome.kind is not OutcomeKind.COMMITTED:
            return False
        self.done += len(self.waiting)
        self.waiting = []
        return True

    def until(self, number: int) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while self.done < number:
            assert time.monotonic() < deadline, f"{self.done} of {number}"
            self.turn()

    def turn(self) -> None:
        try:
            self.waiting += self.transport.poll(50).get(0, [])
            self.commit()
            self.renewal.look()
        except TransportError as error:
            borne = isinstance(error, AccessRefusedError) and self.renewal.may_resolve(error)
            if not (borne or error.retriable):
                raise

    def _rejoin(self) -> bool:
        self.files.making()
        try:
            self.transport.rebuild_consumer()
        except TransportError as error:
            if not error.retriable:
                raise
            return False
        self.files.taken()
        return True

    def _renewed(self) -> None:
        self.renewals += 1
        self.transport.discard_sends()
        self.waiting = []
        self.transport.seek(0, self.done)


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_replaced_certificates_lose_nothing_and_double_nothing(
    rotated: Secured, tmp_path: Path, client: str
) -> None:
    broker, old = rotated.broker, rotated.authority
    new = Authority(tmp_path / "new-ca", "New CA")
    files = ClientFiles(tmp_path / "client", old, old.issue(USER.name))
    kafka = files.settings(broker.servers(Listener.ROTATED), client)
    publisher = HoldingPublisher(
        lambda: open_producer(kafka),
        topic=INPUT,
        source="test",
        hold=Hold(10 * MIB, 1e6, MIB),
        bytes_in_flight_max=MIB,
        counters=ProducerCounters("test"),
        backoff=Backoff(100, 500, 0, random=lambda: 0.5),
        files=SecurityFiles(kafka.security, monotonic_ns=time.monotonic_ns),
    )
    copier = Copier(kafka)
    sent = 0

    def send(count: int) -> None:
        nonlocal sent
        for number in range(sent, sent + count):
            publisher.send(Frame(0, number.to_bytes(8, "big")))
        sent += count

    try:
        send(50)
        publisher.flush(DEADLINE_S)
        copier.until(50)
        # In time: the broker takes both, and nobody has to wait.
        files.replace(old, old.issue(USER.name))
        deadline = time.monotonic() + DEADLINE_S
        while not copier.renewals:
            assert time.monotonic() < deadline
            send(1)
            copier.turn()
        publisher.flush(DEADLINE_S)
        copier.until(sent)
        # All at once: both sides trust another authority, and what they had is worth nothing.
        broker.stop()
        shutil.copy(new.issue("broker", LOOPBACK_HOSTS).store, old.certificate.parent / "broker.store.pem")
        shutil.copy(new.certificate, old.certificate)
        files.replace(new, new.issue(USER.name))
        send(50)
        broker.start()
        publisher_s = time.monotonic() + DEADLINE_S
        while copier.done < sent:
            assert time.monotonic() < publisher_s, f"{copier.done} of {sent}: {publisher.figures()}"
            copier.turn()
        publisher.flush(DEADLINE_S)
    finally:
        publisher.close()
        copier.transport.close()
    assert _numbers(broker.servers(Listener.ADMIN), INPUT) == list(range(sent))
    assert _numbers(broker.servers(Listener.ADMIN), OUTPUT) == list(range(sent))


def _numbers(servers: str, topic: str) -> list[int]:
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=[servers],
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        enable_auto_commit=False,
        consumer_timeout_ms=5_000,
    )
    try:
        return [int.from_bytes(record.value, "big") for record in consumer]
    finally:
        consumer.close()
