"""A server that plays the demo's days, for every test that produces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.secured.operator import vendor


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where recorded trades are played."""
    with vendor() as served:
        yield served
