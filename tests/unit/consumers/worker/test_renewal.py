"""A worker whose certificates or secrets are replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from consumers.worker.renewal import Renewal
from consumers.worker.trouble_log import TroubleLog
from core.kafka.security_files import SecurityFiles
from core.model.errors import AccessRefusedError
from core.model.kafka_security import KafkaSecurity

INTERVAL_MS = 1_000


class Rig:
    """A renewal between parts that say what was asked of them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ca.pem"
        self.file.write_text("old")
        self.now_ns = 0
        self.committed = True
        self.answers: list[bool | AccessRefusedError] = []
        self.told: list[str] = []
        security = KafkaSecurity(protocol="SSL", ca_file=self.file, files_look_interval_ms=INTERVAL_MS)
        self.files = SecurityFiles(security, monotonic_ns=lambda: self.now_ns)
        self.renewal = Renewal(
            self.files,
            commit=self._commit,
            rejoin=self._rejoin,
            renewed=lambda: self.told.append("renewed"),
            trouble=TroubleLog(lambda: self.now_ns),
            monotonic_ns=lambda: self.now_ns,
        )

    def _commit(self) -> bool:
        self.told.append("commit")
        return self.committed

    def _rejoin(self) -> bool:
        self.told.append("rejoin")
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, AccessRefusedError):
            raise answer
        if answer:
            self.files.making()
            self.files.taken()
        return answer

    def replace(self) -> None:
        self.file.write_text(self.file.read_text() + "+new")

    def look(self, after_ms: int = INTERVAL_MS) -> list[str]:
        """Let time pass, look, and give what was asked of the others."""
        self.now_ns += after_ms * 1_000_000
        self.told.clear()
        self.renewal.look()
        return list(self.told)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_nothing_happens_while_nothing_is_replaced(rig: Rig) -> None:
    assert rig.look() == []


def test_clients_are_exchanged_behind_a_commit_and_once(rig: Rig) -> None:
    rig.replace()
    assert rig.look(after_ms=INTERVAL_MS - 1) == []
    assert rig.look(after_ms=1) == ["commit", "rejoin", "renewed"]
    assert rig.look() == []


def test_no_client_is_exchanged_before_everything_is_committed(rig: Rig) -> None:
    rig.replace()
    rig.committed = False
    assert rig.look() == ["commit"]
    rig.committed = True
    assert rig.look(after_ms=1) == ["commit", "rejoin", "renewed"]


def test_the_old_clients_stay_until_a_new_one_is_answered(rig: Rig) -> None:
    rig.replace()
    rig.answers = [False]
    assert rig.look() == ["commit", "rejoin"]
    assert rig.look(after_ms=1) == ["commit", "rejoin", "renewed"]


def test_replaced_files_that_are_refused_are_tried_again_at_a_bearable_pace(rig: Rig) -> None:
    rig.replace()
    rig.answers = [AccessRefusedError("refused")]
    assert rig.look() == ["commit", "rejoin"]
    assert rig.look(after_ms=4_999) == []
    assert rig.look(after_ms=1) == ["commit", "rejoin", "renewed"]


def test_a_refusal_of_the_client_in_use_is_final_where_nothing_was_replaced(rig: Rig) -> None:
    assert not rig.renewal.may_resolve(AccessRefusedError("expired"))
    assert rig.look() == []


def test_a_refused_client_is_exchanged_without_a_commit_where_the_files_were_replaced(rig: Rig) -> None:
    rig.replace()
    rig.committed = False  # nothing can be committed with the client that is refused
    assert rig.renewal.may_resolve(AccessRefusedError("expired"))
    assert rig.look(after_ms=1) == ["rejoin", "renewed"]
