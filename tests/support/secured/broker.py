"""One Apache Kafka broker with TLS, SASL and an authorizer, on free loopback ports."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from deploy.kafka.broker import HERE as DEPLOY_KAFKA
from tests.support.ports import LOOPBACK, answers, free_ports
from tests.support.secured.listeners import PROTOCOLS, BrokerCertificates, Listener, listener_properties
from tests.support.secured.token_server import TokenServer
from tests.support.secured.users import USERS, Login

START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 20.0
START_ATTEMPTS: Final = 3
"""A free port may be taken between looking and binding."""
_JVM: Final = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_SCRAM: Final = (Login.SCRAM_256, Login.SCRAM_512)

_PROPERTIES: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": Listener.ADMIN,
    # Nobody may do anything without a right, except who comes in where there is no security.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "1",
    "num.io.threads": "4",
    "num.recovery.threads.per.data.dir": "1",
}


class BrokerFailedError(Exception):
    """The broker did not come up, or did not go; the text holds the end of its log."""


class SecuredBroker:
    """Starts when the context is entered, stops when it is left.

    Args:
        directory: Where data, settings and logs go.
        certificates: What its listeners show, and whom they trust.
        tokens: Where OAUTHBEARER tokens are checked; it must serve already.

    Raises:
        BrokerFailedError: It does not come up in time.
    """

    def __init__(self, directory: Path, certificates: BrokerCertificates, tokens: TokenServer) -> None:
        self._directory = directory
        self._certificates = certificates
        self._tokens = tokens
        self._ports: dict[Listener, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for attempt in range(1, START_ATTEMPTS + 1):
            self._home = self._directory / f"broker-{attempt}"
            self._home.mkdir(parents=True)
            *ports, controller = free_ports(len(PROTOCOLS) + 1)
            self._ports = dict(zip(PROTOCOLS, ports, strict=True))
            try:
                self._format(controller)
                self.start()
            except BaseException:
                self.stop()
                if attempt == START_ATTEMPTS or "Address already in use" not in self.log():
                    raise
            else:
                break
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def servers(self, listener: Listener) -> str:
        """Bootstrap servers of one listener."""
        return f"{LOOPBACK}:{self._ports[listener]}"

    def log(self) -> str:
        """What it has logged so far."""
        file = self._home / "kafka.log"
        return file.read_text() if file.exists() else ""

    def start(self) -> None:
        """Start it, also again after `stop`, on the same ports and data; returns when every port answers."""
        allowed = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self._tokens.jwks_url}"
        with (self._home / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._java(*_JVM, allowed, run=("kafka.Kafka", str(self._settings))),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                # Ctrl-C is for the tests; they stop the broker in order.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not all(answers(port) for port in self._ports.values()):
            if self._process.poll() is not None:
                raise BrokerFailedError(f"the secured broker ended while starting: {self._end_of_log()}")
            if time.monotonic() >= deadline:
                raise BrokerFailedError(
                    f"the secured broker does not answer after {START_TIMEOUT_S:g} s: {self._end_of_log()}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it in order; a broker that does not go in time is killed."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._process = None

    @property
    def _settings(self) -> Path:
        return self._home / "server.properties"

    def _format(self, controller: int) -> None:
        """Write its settings, and make its storage with the SCRAM users in it."""
        addresses = {str(listener): f"{LOOPBACK}:{port}" for listener, port in self._ports.items()}
        advertised = ",".join(f"{name}://{address}" for name, address in addresses.items())
        protocols = ",".join(f"{listener}:{protocol}" for listener, protocol in PROTOCOLS.items())
        properties = {
            **_PROPERTIES,
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "listeners": f"{advertised},CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": advertised,
            "listener.security.protocol.map": f"{protocols},CONTROLLER:PLAINTEXT",
            "log.dirs": str(self._home / "data"),
            **listener_properties(self._certificates, self._tokens),
        }
        self._settings.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        # An id that began with a dash would be taken for an option.
        cluster_id = "R" + base64.urlsafe_b64encode(os.urandom(16)).decode()[:21]
        users = [f"{each}=[name={USERS[each].name},password={USERS[each].secret}]" for each in _SCRAM]
        arguments = ["format", "--cluster-id", cluster_id, "--config", str(self._settings)]
        arguments += [part for user in users for part in ("--add-scram", user)]
        done = subprocess.run(
            self._java("-Xmx128m", *_JVM[2:], run=("kafka.tools.StorageTool", *arguments)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BrokerFailedError(f"the storage could not be formatted: {done.stdout}{done.stderr}")

    def _java(self, *options: str, run: tuple[str, ...]) -> list[str]:
        log = f"-Dlog4j2.configurationFile={DEPLOY_KAFKA / 'log4j2.yaml'}"
        return ["java", *options, log, "-cp", f"{_jars()}/*", *run]

    def _end_of_log(self) -> str:
        lines = self.log().splitlines()
        return f"{self._home / 'kafka.log'} ends with:\n" + "\n".join(lines[-8:])


def _jars() -> Path:
    """The directory of Apache Kafka's jars; installs them if they are not there."""
    done = subprocess.run([str(DEPLOY_KAFKA / "install.sh")], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokerFailedError(f"Apache Kafka could not be installed: {done.stderr.strip()}")
    return Path(done.stdout.strip())
