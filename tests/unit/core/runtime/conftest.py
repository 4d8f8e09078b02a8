"""A small package in place of `core`, for what digests its sources."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def core(tmp_path: Path) -> Path:
    package = tmp_path / "core"
    (package / "indicators").mkdir(parents=True)
    (package / "engine.py").write_text("A = 1\n")
    (package / "indicators" / "beta.py").write_text("B = 2\n")
    return package
