"""The section `[alpaca]` of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from pydantic import Field, SecretStr

from core.model.errors import ConfigurationError
from producers.feeds.base import Codec
from producers.feeds.settings import FeedSettings


class AlpacaSettings(FeedSettings):
    """Connection to Alpaca. Keys come from the environment or a settings file, never from a flag."""

    variables: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"ROTASCOPE_ALPACA_KEY": "key_id", "ROTASCOPE_ALPACA_SECRET": "secret_key"}
    )

    url: str = Field(
        default="wss://stream.data.alpaca.markets/v2/sip",
        repr=False,
        description="websocket URL of the stream, channel included",
    )
    key_id: SecretStr | None = Field(default=None, min_length=1, description="the API key's id")
    secret_key: SecretStr | None = Field(default=None, min_length=1, description="the API key's secret")
    codec: Codec = Field(default=Codec.MSGPACK, description="wire encoding of messages")

    def credentials(self) -> tuple[str, str]:
        """Return the API key's id and secret.

        Raises:
            ConfigurationError: One of them is not set.
        """
        if self.key_id is None or self.secret_key is None:
            raise ConfigurationError("no API key", operator_action=f"set {' and '.join(self.variables)}")
        return self.key_id.get_secret_value(), self.secret_key.get_secret_value()
