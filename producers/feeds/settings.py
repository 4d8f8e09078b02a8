"""What every feed's section of the settings has; each feed adds its credentials and defaults."""

from __future__ import annotations

from pydantic import Field

from core.model.section import KIB, MIB, SettingsSection
from producers.feeds.base import MAX_MESSAGE_BYTES, Codec


class FeedSettings(SettingsSection):
    """Connection to a vendor. Keys come from the environment or a settings file, never from a flag."""

    url: str = Field(default="", repr=False, description="websocket URL of the stream, channel included")
    codec: Codec = Field(default=Codec.JSON, description="wire encoding of messages")
    insecure: bool = Field(
        default=False,
        description="allow ws:// to other hosts: credentials are then sent unencrypted",
    )
    max_message_bytes: int = Field(
        default=MAX_MESSAGE_BYTES,
        ge=64 * KIB,
        le=1024 * MIB,
        description="a larger websocket message ends the connection",
    )
