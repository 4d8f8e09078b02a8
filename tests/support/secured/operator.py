"""An operator of the secured broker: gives a command the rights that are printed for it, then runs it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl
import pytest
from kafka import KafkaAdminClient
from typer.testing import CliRunner

import rotascope
from core.model.topics import ticks_topic
from deploy.demo.artefacts import FILE as DEMO_SET
from deploy.kafka.cluster import apply
from deploy.kafka.topics import load_topics
from producers.replay.demo import demo_daily
from tests.support.program import StartedProgram
from tests.support.secured.listeners import Listener
from tests.support.secured.product import ProductAccess, write_settings
from tests.support.secured.rights import Right, give, read_lines
from tests.support.secured_broker import Secured

PARTITIONS: Final = 2
SNAPSHOT_INTERVAL_MS: Final = 200
TICKS: Final = ticks_topic(1)
HISTORY_FROM: Final = date(2023, 1, 3)
HISTORY_UNTIL: Final = date(2024, 7, 5)
HISTORY_SYMBOLS: Final = ("RUT", "SPX")
UNUSED_RECEIVER: Final = "http://127.0.0.1:9/"
KEYS: Final = {"ROTASCOPE_ALPACA_KEY": "replay", "ROTASCOPE_ALPACA_SECRET": "replay"}
_DEADLINE_S: Final = 150.0
_DELETION_S: Final = 20.0


class Ended(NamedTuple):
    """What a command has said.

    Args:
        code: Its exit status.
        output: Lines on standard output.
        errors: Lines on standard error.
    """

    code: int
    output: list[str]
    errors: list[str]

    @property
    def everything(self) -> str:
        """All of it, for messages and to look for what should not be there."""
        return "".join([*self.output, *self.errors])


class ClusterOperator:
    """Runs commands as one user, with no more rights than they are printed to need.

    Args:
        secured: The broker.
        access: How the commands reach it.
        directory: For settings, secrets and daily files; its name is the workers' group as well.
        vendor: Address of a server that plays a recording; None where nothing is produced.
        receiver: Where events are forwarded to.
    """

    def __init__(
        self,
        secured: Secured,
        access: ProductAccess,
        directory: Path,
        *,
        vendor: str | None = None,
        receiver: str = UNUSED_RECEIVER,
    ) -> None:
        self._secured = secured
        self._access = access
        self._vendor = vendor
        self._receiver = receiver
        self._directory = directory
        self.group = directory.name
        self._settings = write_settings(secured, access, directory, more=f"partitions = {PARTITIONS}")

    def printed_rights(self, command: str) -> list[Right]:
        """What `rotascope topics acls` says that a command needs."""
        asked = ["topics", "acls", "--principal", self._access.principal, "--command", command]
        asked += ["--settings", str(self._settings), "--group-id", self.group]
        if command == "topics migrate":
            asked += ["--generation", "2"]
        done = CliRunner().invoke(rotascope.app, asked)
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        # The name stands for every command that begins so; one of them is meant.
        start = next(n for n, line in enumerate(lines) if line.startswith(f"# rotascope {command}:"))
        end = next((n for n, line in enumerate(lines) if n > start and line.startswith("#")), len(lines))
        return read_lines(lines[start:end])

    def allow(self, command: str, *, but: Callable[[Right], bool] = lambda right: False) -> None:
        """Give exactly the printed rights of a command, less what `but` names, and take all others."""
        rights = [right for right in self.printed_rights(command) if not but(right)]
        give(self._secured.broker, self._access.principal, rights)

    def allow_nothing(self) -> None:
        """Take every right."""
        give(self._secured.broker, self._access.principal, [])

    def run(self, command: str) -> Ended:
        """Run a command to its end."""
        words = [*command.split(), *self._arguments(command)]
        environment = KEYS | {"ROTASCOPE_SETTINGS": str(self._settings)}
        with StartedProgram(*words, environment=environment) as program:
            try:
                code = program.wait(_DEADLINE_S)
            except subprocess.TimeoutExpired:
                pytest.fail(f"{command} does not end: {[*program.output, *program.errors]}", pytrace=False)
        return Ended(code, program.output, program.errors)

    def _arguments(self, command: str) -> list[str]:
        match command:
            case "topics apply" | "topics check":
                return ["--partitions", str(PARTITIONS)]
            case "topics migrate":
                return ["--to", "2", "--partitions", str(PARTITIONS), "--group-id", self.group]
            case "produce alpaca":
                assert self._vendor is not None
                return ["--url", self._vendor, "--clock", "recorded", "--metrics-port", "0"]
            case "backfill csv" | "backfill parquet":
                return _history_files(self._directory, command.split()[1])
            case "backfill":
                files = _history_files(self._directory, "csv")
                named = [word for file in files for word in ("--history", file)]
                return [*named, "--history-until", HISTORY_UNTIL.isoformat()]
            case "produce artefacts-mark":
                return ["--artefacts", str(DEMO_SET)]
            case "study prepare":
                files = _history_files(self._directory, "csv")
                named = [word for file in files for word in ("--history", file)]
                kept = ["--cache", str(self._directory / "prepared"), "--simulations", "2"]
                return [*named, *kept, "--pair", "RUT/SPX", "--activate"]
            case "backfill baseline":
                return ["--history-until", HISTORY_UNTIL.isoformat()]
            case "consume":
                named = ["--until", "idle", "--metrics-port", "0", "--group-id", self.group]
                # A run is shorter than the default interval and would write no snapshot.
                return [*named, "--snapshot-interval-ms", str(SNAPSHOT_INTERVAL_MS)]
            case "events forward":
                return ["--to", self._receiver, "--until-end", "--metrics-port", "0"]
            case "events tail" | "ticks cat" | "values cat":
                return ["--until-end", "--format", "json"]
        return []


@contextmanager
def admin(secured: Secured) -> Iterator[KafkaAdminClient]:
    """A client that may do everything."""
    client = KafkaAdminClient(bootstrap_servers=[secured.broker.servers(Listener.ADMIN)])
    try:
        yield client
    finally:
        client.close()


def delete_topics(secured: Secured, prefix: str = "rotascope.") -> None:
    """Leave none of the topics whose names begin so."""
    deadline = time.monotonic() + _DELETION_S
    with admin(secured) as client:
        names = [name for name in client.list_topics() if name.startswith(prefix)]
        if names:
            client.delete_topics(names, raise_errors=False)
        while any(name in names for name in client.list_topics()):
            assert time.monotonic() < deadline, f"topics still listed after {_DELETION_S:g} s"
            time.sleep(0.05)


def make_topics(secured: Secured) -> None:
    """Make Rotascope's topics anew, empty."""
    restore_topics(secured, "rotascope.")


def restore_topics(secured: Secured, prefix: str) -> None:
    """Make the topics anew, empty, whose names begin so."""
    delete_topics(secured, prefix)
    with admin(secured) as client:
        apply(client, load_topics(partitions=PARTITIONS))


@contextmanager
def vendor() -> Iterator[str]:
    """Play the demo's days as often as they are asked for; gives the address."""
    words = ["replay", "serve", "bars", "--port", "0", "--speed", "0", "--repeat"]
    with StartedProgram(*words) as replay:
        found = re.search(r"ws://[^\s\",]+", replay.said("listening on"))
        assert found is not None
        yield found[0]


def _history_files(directory: Path, form: str) -> list[str]:
    """Daily files of two instruments, as a command names them."""
    daily = demo_daily(HISTORY_UNTIL).filter(pl.col("session") >= HISTORY_FROM)
    named = []
    for symbol in HISTORY_SYMBOLS:
        frame = daily.filter(pl.col("symbol") == symbol).select(pl.col("session").alias("date"), "close")
        file = directory / f"{symbol}.{form}"
        frame.write_csv(file) if form == "csv" else frame.write_parquet(file)
        named.append(f"{symbol}={file}")
    return named
