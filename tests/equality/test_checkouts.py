"""tests.equality: checkouts of commits, and a probe that finds its way in any layout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.equality.checkouts import (
    OURS,
    PROBE,
    Checkout,
    CheckoutError,
    check_out,
    clean_environment,
    default_folder,
)

FIND = f"""
import importlib.util, os
spec = importlib.util.spec_from_file_location("probe", {str(PROBE)!r})
probe = importlib.util.module_from_spec(spec)
spec.loader.exec_module(probe)
print(probe.named("topic_of")("an event"))
"""


def layout(root: Path, module: str, text: str) -> Path:
    """A checkout with one module."""
    path = root / module
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (path.parent, *path.parent.parents):
        if root in folder.parents:
            (folder / "__init__.py").touch()
    path.write_text(text, encoding="utf-8")
    return root


def found_in(root: Path) -> subprocess.CompletedProcess[str]:
    """Ask the probe for a function, inside a checkout."""
    return subprocess.run(
        [sys.executable, "-P", "-c", FIND],
        cwd=root,
        env=clean_environment(root, root),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("module", ["core/events.py", "core/events/events.py", "consumers/a/b/topics.py"])
def test_the_probe_finds_a_function_wherever_it_is(tmp_path: Path, module: str) -> None:
    root = layout(tmp_path, module, "def topic_of(event):\n    return f'the topic of {event}'\n")
    done = found_in(root)
    assert done.stdout == "the topic of an event\n", done.stderr


def test_a_name_that_is_missing_or_defined_twice_is_an_error(tmp_path: Path) -> None:
    root = layout(tmp_path, "core/other.py", "def topics():\n    return 1\n")
    assert "topic_of is defined in 0 modules" in found_in(root).stderr
    for module in ("core/one.py", "core/two.py"):
        layout(tmp_path, module, "def topic_of(event):\n    return 1\n")
    assert "topic_of is defined in 2 modules" in found_in(root).stderr


def test_a_program_of_a_checkout_sees_neither_our_settings_nor_our_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROTASCOPE_KAFKA__PARTITIONS", "7")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/elsewhere")
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    environment = clean_environment(tmp_path, tmp_path / "data")
    ours = {name: value for name, value in environment.items() if name.startswith(("ROTASCOPE_", "NUMBA_"))}
    assert ours == {"ROTASCOPE_SHARED_DATA": str(tmp_path / "data")}
    assert environment["PYTHONPATH"] == str(tmp_path)


def test_a_program_that_fails_is_an_error(tmp_path: Path) -> None:
    checkout = Checkout("broken", tmp_path)
    with pytest.raises(CheckoutError, match=r"broken: -c .* ended with 3"):
        checkout.run("-c", "raise SystemExit(3)", shared_data=tmp_path)


def test_what_a_program_prints_goes_where_it_is_told_to(tmp_path: Path) -> None:
    Checkout("fine", tmp_path).run(
        "-c", "import os; print(os.getcwd())", shared_data=tmp_path, output=tmp_path / "said"
    )
    assert (tmp_path / "said").read_text() == f"{tmp_path}\n"


def test_a_directory_is_taken_as_it_is_and_a_commit_must_exist(tmp_path: Path) -> None:
    assert check_out(str(tmp_path), tmp_path / "folder").path == tmp_path
    with pytest.raises(CheckoutError, match="no-such-commit"):
        check_out("no-such-commit", tmp_path / "folder")
    assert not (tmp_path / "folder").exists()


def test_worktrees_are_kept_outside_the_checkout() -> None:
    assert OURS not in (default_folder(), *default_folder().parents)
