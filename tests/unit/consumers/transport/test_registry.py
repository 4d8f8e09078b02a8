"""The registry of clients: what the settings name can be made, and nothing else can be named."""

from __future__ import annotations

import sys
from typing import get_args

import pytest

from consumers.transport.registry import TRANSPORTS, make_transport
from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings, WorkerSettings


def test_every_client_of_the_settings_has_its_line() -> None:
    assert set(get_args(KafkaSettings.model_fields["client"].annotation)) == set(TRANSPORTS)


def test_a_client_that_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    for module in [name for name in sys.modules if name.startswith("consumers.") and "confluent" in name]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ConfigurationError, match="client 'confluent' cannot be used") as raised:
        make_transport(KafkaSettings(client="confluent"), WorkerSettings())
    assert "pip install 'rotascope[confluent]'" in str(raised.value)
