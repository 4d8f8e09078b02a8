"""Starts and stops Apache Kafka on this machine.

Wraps `start.sh` and `stop.sh` in this directory for tests, benchmarks and the demo. Brokers are
numbered from 1.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from core.model.errors import ConfigurationError, RotascopeError, TransportError
from deploy.local.ports import LOOPBACK, free_ports

HERE = Path(__file__).resolve().parent
START_ATTEMPTS = 3  # a free port may be taken before it is bound
FREEZE_TIMEOUT_S = 5.0
WRONG_SET_UP = 2  # the scripts' exit status when a tool is missing; a retry would not help


class LocalKafka:
    """One or three combined brokers (KRaft) on free loopback ports.

    A context manager: entering starts the brokers, leaving stops them.

    Args:
        directory: Directory of the brokers' data and logs; created if missing.
        brokers: 1 or 3.
        jvm_options: Replaces the JVM flags, which by default favour startup time over throughput.
        start_timeout_s: Time limit for every port to answer, s.

    Raises:
        ConfigurationError: Java or Maven is missing.
        TransportError: A broker did not start or stop in time.
    """

    def __init__(
        self,
        directory: Path,
        *,
        brokers: int = 1,
        jvm_options: str | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self.directory = directory
        self.brokers = brokers
        self._jvm_options = jvm_options
        self._start_timeout_s = start_timeout_s
        self._ports: tuple[int, ...] = ()
        self._controller_ports: tuple[int, ...] = ()
        self._data = directory

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """Return `host:port`, comma-separated, as Kafka clients expect."""
        return ",".join(f"{LOOPBACK}:{port}" for port in self._ports)

    def port(self, broker: int) -> int:
        """Return the port on which one broker serves clients."""
        return self._ports[broker - 1]

    def start(self) -> None:
        """Start every broker that is not running and wait until each answers."""
        if self._ports:
            self._run_start()
            return
        for attempt in range(1, START_ATTEMPTS + 1):
            ports = free_ports(2 * self.brokers)
            self._ports, self._controller_ports = ports[: self.brokers], ports[self.brokers :]
            self._data = self.directory / f"cluster-{attempt}"
            try:
                self._run_start()
            except RotascopeError:
                self.stop()
                self._ports = ()
                if attempt == START_ATTEMPTS or not self._port_was_taken():
                    raise
            else:
                return

    def stop(self) -> None:
        """Shut down every broker cleanly; kill those that do not exit in time."""
        if not self._ports:
            return
        try:
            self._stop("TERM", only=None)
        except TransportError:
            self._stop("KILL", only=None)

    def kill(self, broker: int) -> None:
        """Kill one broker, as in a crash, and wait until it has exited."""
        self._stop("KILL", only=broker)

    def shut_down(self, broker: int) -> None:
        """Shut down one broker cleanly, and wait until it has exited."""
        self._stop("TERM", only=broker)

    def restart(self, broker: int) -> None:
        """Start one stopped or killed broker again, on its old port and data."""
        self._run_start(only=broker)

    def pause(self, broker: int) -> None:
        """Freeze one broker: it keeps its connections but does not answer.

        A signal stops one thread after another, and a broker has many: a request sent immediately
        could still be answered. This method returns when all threads are stopped.

        Raises:
            TransportError: It is not running, or is not frozen in time.
        """
        process = self.process_id(broker)
        os.kill(process, signal.SIGSTOP)
        deadline = time.monotonic() + FREEZE_TIMEOUT_S
        while not _is_frozen(process):
            if time.monotonic() > deadline:
                raise TransportError(f"broker {broker} is not frozen after {FREEZE_TIMEOUT_S} s")
            time.sleep(0.001)

    def resume(self, broker: int) -> None:
        """Resume a frozen broker."""
        os.kill(self.process_id(broker), signal.SIGCONT)

    def process_id(self, broker: int) -> int:
        """Return the process id of a running broker.

        Raises:
            TransportError: It is not running.
        """
        try:
            return int((self._broker_directory(broker) / "pid").read_text())
        except (FileNotFoundError, ValueError) as error:
            raise TransportError(f"broker {broker} is not running") from error

    def log(self, broker: int) -> str:
        """Return the log of one broker."""
        return (self._broker_directory(broker) / "kafka.log").read_text()

    def _port_was_taken(self) -> bool:
        logs = self._data.glob("broker-*/kafka.log")
        return any("Address already in use" in log.read_text() for log in logs)

    def _broker_directory(self, broker: int) -> Path:
        return self._data / f"broker-{broker}"

    def _run_start(self, *, only: int | None = None) -> None:
        arguments = ["--brokers", str(self.brokers), "--timeout", f"{self._start_timeout_s:.0f}"]
        arguments += ["--ports", ",".join(map(str, self._ports))]
        arguments += ["--controller-ports", ",".join(map(str, self._controller_ports))]
        self._script("start.sh", arguments, only)

    def _stop(self, name: str, *, only: int | None) -> None:
        self._script("stop.sh", ["--signal", name], only)

    def _script(self, script: str, arguments: list[str], only: int | None) -> None:
        environ = dict(os.environ)
        if self._jvm_options is not None:
            environ["KAFKA_JVM_OPTIONS"] = self._jvm_options
        if only is not None:
            arguments = [*arguments, "--only", str(only)]
        # stderr goes to a file, not a pipe: a broker would inherit the pipe and block us until it exits.
        self._data.mkdir(parents=True, exist_ok=True)
        report = self._data / f"{script}.log"
        with report.open("w") as stderr:
            done = subprocess.run(  # noqa: S603 - our own script, and arguments that are numbers and paths
                [str(HERE / script), "--data", str(self._data), *arguments],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=environ,
                check=False,
            )
        if done.returncode == 0:
            return
        # The last line of the script's output is the operator action.
        message = f"{script} ended with {done.returncode}: {report.read_text().strip()}"
        raise ConfigurationError(message) if done.returncode == WRONG_SET_UP else TransportError(message)


def _is_frozen(process: int) -> bool:
    """Return whether every thread of a process is stopped, according to /proc."""
    threads = Path(f"/proc/{process}/task").glob("*/stat")
    try:
        return all(each.read_text().rpartition(")")[2].split()[0] == "T" for each in threads)
    except (FileNotFoundError, ProcessLookupError):  # a thread ended meanwhile
        return False
