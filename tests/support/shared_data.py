"""Recorded market data, kept beside the checkout: too large for it, and not ours to publish."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def shared_data(path: str) -> Path:
    """Find one file of the recorded data.

    The folder is `../shared/data` beside the checkout, or ROTASCOPE_SHARED_DATA. A missing file
    fails the test: skipped, a golden test would look like one that passed.

    Args:
        path: Relative path, such as `daily/RUT.csv`.

    Returns:
        The file's path.
    """
    configured = os.environ.get("ROTASCOPE_SHARED_DATA")
    root = Path(configured) if configured else CHECKOUT.parent / "shared" / "data"
    found = root / path
    if not found.exists():
        pytest.fail(
            f"recorded data {path!r} is not in {root}; set ROTASCOPE_SHARED_DATA to the folder that has it",
            pytrace=False,
        )
    return found
