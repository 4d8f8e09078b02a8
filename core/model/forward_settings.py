"""Settings of `rotascope events forward`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, SecretStr, model_validator

from core.model.section import KIB, MIB, Count, Milliseconds, WithBackoff

FORWARD_GROUP_PREFIX: Final = "rotascope-forward-"
"""How the name of a group begins that is named after the receiver's address."""


class ForwardSettings(WithBackoff):
    """Where events are posted, how they are signed, and how failures are treated."""

    to: str | None = Field(
        default=None, min_length=1, description="address of the receiver; https, or http on this machine"
    )
    group_id: str | None = Field(
        default=None,
        min_length=1,
        description="consumer group that keeps the place; unset: one of its own for each address",
    )
    mode: Literal["binary", "structured"] = Field(
        default="binary", description="CloudEvents content mode: attributes in headers, or all in the body"
    )
    secret: SecretStr | None = Field(
        default=None, description="secret of the signature; from the environment only"
    )
    secret_file: Path | None = Field(default=None, description="file that holds the secret of the signature")
    ca_file: Path | None = Field(
        default=None, description="certificates that the receiver's must lead to; unset: the system's"
    )
    connections_max: Annotated[int, Field(ge=1, le=64)] = Field(
        default=8, description="posts at the same time; the events of a pair are never posted side by side"
    )
    pending_max: Count = Field(default=1_000, description="events held in memory; above it reading pauses")
    attempt_timeout_ms: Milliseconds = Field(
        default=10_000, description="time limit of one post, from the connection to the end of the answer"
    )
    response_max_bytes: int = Field(
        default=64 * KIB, ge=0, le=MIB, description="bytes read of an answer's body; the rest is not read"
    )
    backoff_initial_ms: Milliseconds = Field(default=500, description="first wait before a retry")
    backoff_max_ms: Milliseconds = Field(default=30_000, description="longest wait before a retry")
    retry_after_max_ms: Milliseconds = Field(
        default=300_000, description="longest wait that the receiver's Retry-After can ask for"
    )
    refusals_max: Annotated[int, Field(ge=1, le=100)] = Field(
        default=5, description="refusals after which an event becomes a dead letter"
    )
    refusals_period_ms: Milliseconds = Field(
        default=60_000, description="time over which these refusals are spread"
    )
    commit_interval_ms: Milliseconds = Field(default=500, description="time between two commits of the place")
    shutdown_timeout_ms: Milliseconds = Field(
        default=10_000, description="time for posts under way at shutdown; what is not done is repeated"
    )
    broker_silence_ms: Milliseconds = Field(
        default=10_000, description="time without an answer of a broker after which the client is recreated"
    )
    fetch_silence_ms: Milliseconds = Field(
        default=15_000,
        description="time without a record, although the log has more, after which the client is recreated",
    )

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        if self.secret is not None and self.secret_file is not None:
            raise ValueError("secret and secret_file are both set")
        return self
