"""A section of the settings: the base of every one, and the types that sections share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Milliseconds = Annotated[int, Field(ge=1, le=86_400_000)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Count = Annotated[int, Field(ge=1)]

KIB: Final = 1024
MIB: Final = 1024 * KIB


class SettingsSection(BaseModel):
    """Base of all sections: frozen, unknown keys refused, secrets kept out of messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    variables: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Environment variable → key, for keys that have a shorter variable besides ROTASCOPE_SECTION__KEY."""


class WithBackoff(SettingsSection):
    """What sections share that wait longer after each failure."""

    backoff_initial_ms: Milliseconds = 100
    backoff_max_ms: Milliseconds = 5_000

    @model_validator(mode="after")
    def _waits_grow(self) -> Self:
        if self.backoff_max_ms < self.backoff_initial_ms:
            raise ValueError("backoff_max_ms is less than backoff_initial_ms")
        return self
