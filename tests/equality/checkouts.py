"""Checkouts of the commits to compare: git worktrees that stay for the next run, kernels and all."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
OURS: Final = HERE.parents[1]
"""The checkout that compares."""
PROBE: Final = HERE / "probe.py"


class CheckoutError(Exception):
    """A commit that cannot be checked out or run."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """One side of a comparison.

    Args:
        name: As it was asked for, with the commit.
        path: Where its files are.
    """

    name: str
    path: Path

    def run(self, *arguments: str, shared_data: Path, output: Path | None = None) -> None:
        """Run a program of this checkout, in our virtual environment.

        Args:
            arguments: Of Python.
            shared_data: Where recorded data lies.
            output: Takes standard output; None for ours.

        Raises:
            CheckoutError: It did not end with 0.
        """
        # -P: else Python would import from the folder of the program or the working directory first.
        command = [sys.executable, "-P", *arguments]
        environment = clean_environment(self.path, shared_data)
        with nullcontext() if output is None else output.open("wb") as file:
            done = subprocess.run(command, cwd=self.path, env=environment, stdout=file)
        if done.returncode:
            raise CheckoutError(f"{self.name}: {' '.join(arguments[:4])} ended with {done.returncode}")


def clean_environment(path: Path, shared_data: Path) -> dict[str, str]:
    """Give the environment of a program of a checkout: no settings of ours, no kernels of ours."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ROTASCOPE_", "NUMBA_"))
    }
    return kept | {"PYTHONPATH": str(path), "ROTASCOPE_SHARED_DATA": str(shared_data)}


def default_folder() -> Path:
    """Where worktrees of this repository are kept between runs."""
    digest = hashlib.sha256(str(OURS).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"rotascope-equality-{digest}"


def check_out(asked: str, folder: Path) -> Checkout:
    """Make the checkout of a commit, or take the one that a run before has left.

    Args:
        asked: A commit, a branch, a tag; or a directory, which is taken as it is.
        folder: Where worktrees are kept.

    Raises:
        CheckoutError: There is no such commit, or its worktree has been changed.
    """
    if Path(asked).is_dir():
        return Checkout(asked, Path(asked).resolve())
    commit = _git(OURS, "rev-parse", "--verify", "--quiet", f"{asked}^{{commit}}")
    path = folder / commit[:12]
    if not (path / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _git(OURS, "worktree", "prune")
        _git(OURS, "worktree", "add", "--detach", str(path), commit)
    if _git(path, "rev-parse", "HEAD") != commit or _git(path, "status", "--porcelain"):
        raise CheckoutError(f"{path} is not commit {commit} as it was: remove the folder")
    return Checkout(asked if commit.startswith(asked) else f"{asked} ({commit[:7]})", path)


def _git(where: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(where), *arguments], capture_output=True, text=True)
    if done.returncode:
        message = done.stderr.strip() or f"git {' '.join(arguments)} ended with {done.returncode}"
        raise CheckoutError(message)
    return done.stdout.strip()
