"""What `--until` may say."""

from __future__ import annotations

import pytest

from consumers.worker.state import Until
from consumers.worker.until import parse_until
from core.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "until"),
    [
        (None, None),
        ("idle", Until(idle_ms=500)),
        ("1970-01-01T00:00:01.5Z", Until(event_time_ns=1_500_000_000)),
        ("2024-07-11T16:30:00-04:00", Until(event_time_ns=1_720_729_800_000_000_000)),
    ],
)
def test_reads(text: str | None, until: Until | None) -> None:
    assert parse_until(text, idle_ms=500) == until


@pytest.mark.parametrize("text", ["", "soon", "2024-07-11", "2024-07-11T16:30:00", "16:30Z"])
def test_refuses_what_is_no_instant_or_has_no_offset(text: str) -> None:
    with pytest.raises(ConfigurationError, match="neither 'idle' nor a time") as raised:
        parse_until(text, idle_ms=500)
    assert raised.value.operator_action is not None
