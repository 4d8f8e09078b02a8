"""tests.equality: the command, over checkouts that say what a test has written there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.equality import __main__ as command
from tests.equality.checkouts import Checkout, CheckoutError

SAID = {"definition": "spread_z_1d", "pair": "RUT/SPX", "episode": 19_000, "transition": 1, "state": "opened"}


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Runs that take what a checkout says from a file of it."""

    def take(checkout: Checkout, shared_data: Path, path: Path) -> None:
        if not (checkout.path / "said.jsonl").exists():
            raise CheckoutError(f"{checkout.name} says nothing")
        shutil.copy(checkout.path / "said.jsonl", path)

    monkeypatch.setattr(command, "RUNS", {"study": take, "demo": take})
    monkeypatch.setattr(command, "compile_kernels", lambda checkout, shared_data: None)
    monkeypatch.setattr(command, "shared_data", lambda path: tmp_path / path)


def checkout(path: Path, *states: str) -> str:
    """A directory that says events in these states."""
    path.mkdir()
    lines = [json.dumps(SAID | {"transition": number, "state": each}) for number, each in enumerate(states)]
    (path / "said.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def test_equal_checkouts_end_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, head = (
        checkout(tmp_path / "a", "opened", "resolved"),
        checkout(tmp_path / "b", "opened", "resolved"),
    )
    assert command.main([base, head, "--folder", str(tmp_path / "kept")]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "nothing differs"
    assert printed.out.count("2, 0 differ, digest") == 2
    assert f"{head}: demo took " in printed.err


def test_a_planted_event_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, head = checkout(tmp_path / "a", "opened", "resolved"), checkout(tmp_path / "b", "opened", "expired")
    assert command.main([base, head, "--folder", str(tmp_path / "kept"), "--only", "study"]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "NOT EQUAL"
    assert 'study  spread_z_1d  RUT/SPX  19000  1  data.state: "resolved" → "expired"' in out
    assert "demo" not in out


def test_a_field_that_is_expected_to_differ_is_named_in_the_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, head = checkout(tmp_path / "a", "opened"), checkout(tmp_path / "b", "expired")
    where = ["--folder", str(tmp_path / "kept")]
    assert command.main([base, head, *where, "--expected", "data.quality", "data.state"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing differs but for data.quality, data.state"
    assert command.main([base, head, *where, "--expected", "data.quality"]) == 1


def test_a_checkout_that_cannot_run_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b").mkdir()
    base = checkout(tmp_path / "a", "opened")
    assert command.main([base, str(tmp_path / "b"), "--folder", str(tmp_path / "kept")]) == 2
    assert f"{tmp_path / 'b'} says nothing" in capsys.readouterr().err


def test_results_of_two_directories_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    base, head = checkout(tmp_path / "x/main", "opened"), checkout(tmp_path / "y/main", "expired")
    assert command.main([base, head, "--folder", str(tmp_path / "kept")]) == 1
