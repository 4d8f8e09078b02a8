"""When certificates and secrets count as replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.kafka.security_files import SecurityFiles
from core.model.kafka_security import KafkaSecurity

INTERVAL_MS = 1_000
OAUTH = 'token_endpoint = "https://id.example"\nclient_id = "me"\nclient_secret_file = "{}"\n'


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def pass_ms(self, time_ms: int) -> None:
        self.now_ns += time_ms * 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tls(folder: Path) -> KafkaSecurity:
    (folder / "ca.pem").write_text("first")
    return KafkaSecurity(protocol="SSL", ca_file=folder / "ca.pem", files_look_interval_ms=INTERVAL_MS)


def test_a_replaced_file_is_seen_at_the_next_look_and_no_sooner(tmp_path: Path, clock: Clock) -> None:
    files = SecurityFiles(tls(tmp_path), monotonic_ns=clock)
    (tmp_path / "ca.pem").write_text("second")
    clock.pass_ms(INTERVAL_MS - 1)
    assert not files.due()
    clock.pass_ms(1)
    assert files.due()


def test_the_same_text_written_anew_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    files = SecurityFiles(tls(tmp_path), monotonic_ns=clock)
    tls(tmp_path)
    assert not files.changed()


def test_what_a_new_client_was_made_from_is_known_afterwards(tmp_path: Path, clock: Clock) -> None:
    files = SecurityFiles(tls(tmp_path), monotonic_ns=clock)
    (tmp_path / "ca.pem").write_text("second")
    files.making()
    assert files.changed()  # the client is not there yet
    files.taken()
    assert not files.changed()


def test_a_file_replaced_while_a_client_was_made_is_seen_afterwards(tmp_path: Path, clock: Clock) -> None:
    files = SecurityFiles(tls(tmp_path), monotonic_ns=clock)
    files.making()
    (tmp_path / "ca.pem").write_text("second")
    files.taken()
    assert files.changed()


def test_a_file_that_cannot_be_read_counts_as_unchanged(tmp_path: Path, clock: Clock) -> None:
    files = SecurityFiles(tls(tmp_path), monotonic_ns=clock)
    (tmp_path / "ca.pem").unlink()
    assert not files.changed()


def test_the_files_behind_the_token_endpoint_count_as_well(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "secret").write_text("first")
    (tmp_path / "oauth.toml").write_text(OAUTH.format(tmp_path / "secret"))
    security = KafkaSecurity(protocol="SASL_SSL", mechanism="OAUTHBEARER", oauth_file=tmp_path / "oauth.toml")
    files = SecurityFiles(security, monotonic_ns=clock)
    assert not files.changed()
    (tmp_path / "secret").write_text("second")
    assert files.changed()


def test_without_files_there_is_nothing_to_replace(clock: Clock) -> None:
    files = SecurityFiles(KafkaSecurity(), monotonic_ns=clock)
    clock.pass_ms(86_400_000)
    assert not files.due()
