"""Settings of a secured Kafka: how a client encrypts, what it trusts, and who it says it is.

These are plain models, as all settings are. `core.kafka.security` reads the files that they name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    model_validator,
)

from core.model.addresses import is_loopback
from core.model.errors import ConfigurationError
from core.model.section import SettingsSection
from core.model.validation import joined, problems_of, read_toml

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]

_PASSWORD_FIELDS: Final = ("username", "password", "password_file")
_TLS_FIELDS: Final = ("ca_file", "certificate_file", "key_file", "key_password_file")
_OAUTH: Final = "the file"
_FILE_FIELDS: Final = ("password_file", *_TLS_FIELDS, "oauth_file")


class KafkaSecurity(SettingsSection):
    """How a client proves itself to the brokers, and the brokers to the client."""

    protocol: Protocol = Field(default="PLAINTEXT", description="of the listener at bootstrap_servers")
    mechanism: Mechanism | None = Field(default=None, description="with SASL_PLAINTEXT and SASL_SSL")
    username: str | None = Field(default=None, min_length=1, description="with PLAIN and SCRAM")
    password: SecretStr | None = Field(
        default=None, min_length=1, description="from the environment only; or name password_file"
    )
    password_file: Path | None = Field(default=None, description="holds the password and nothing else")
    ca_file: Path | None = Field(
        default=None, description="PEM, authorities that may sign a broker's certificate; unset: the system's"
    )
    certificate_file: Path | None = Field(
        default=None, description="PEM, this client's certificate and those between it and its authority"
    )
    key_file: Path | None = Field(
        default=None, description="PEM, the certificate's key; unset: it is in certificate_file"
    )
    key_password_file: Path | None = Field(default=None, description="holds the password of key_file")
    oauth_file: Path | None = Field(
        default=None, description="TOML, with OAUTHBEARER: where tokens are issued, and to whom"
    )
    files_look_interval_ms: Annotated[int, Field(ge=100, le=86_400_000)] = Field(
        default=60_000, description="time between two looks at the files; changed ones take a new client"
    )

    @property
    def encrypts(self) -> bool:
        """Whether connections use TLS."""
        return self.protocol in {"SSL", "SASL_SSL"}

    @property
    def authenticates(self) -> bool:
        """Whether the client names itself by SASL."""
        return self.protocol in {"SASL_PLAINTEXT", "SASL_SSL"}

    @property
    def named_files(self) -> dict[str, Path]:
        """The files that the settings name, by setting."""
        return {name: file for name in _FILE_FIELDS if (file := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _fits_the_protocol(self) -> Self:
        if self.authenticates and self.mechanism is None:
            raise ValueError(f"protocol {self.protocol} needs a mechanism: {_listed(Mechanism)}")
        sasl = [*_PASSWORD_FIELDS, "oauth_file", "mechanism"]
        if not self.authenticates and (given := self._given(sasl)):
            raise ValueError(f"{given} needs protocol SASL_PLAINTEXT or SASL_SSL, not {self.protocol}")
        if not self.encrypts and (given := self._given(_TLS_FIELDS)):
            raise ValueError(f"{given} needs protocol SSL or SASL_SSL, not {self.protocol}")
        if self.certificate_file is None and (given := self._given(("key_file", "key_password_file"))):
            raise ValueError(f"{given} needs certificate_file")
        return self

    @model_validator(mode="after")
    def _fits_the_mechanism(self) -> Self:
        if self.mechanism is None:
            return self
        if self.mechanism == "OAUTHBEARER":
            if self.oauth_file is None:
                raise ValueError("mechanism OAUTHBEARER needs oauth_file")
            if given := self._given(_PASSWORD_FIELDS):
                raise ValueError(f"{given} is of no use with OAUTHBEARER")
            return self
        if self.oauth_file is not None:
            raise ValueError(f"oauth_file needs mechanism OAUTHBEARER, not {self.mechanism}")
        if self.username is None:
            raise ValueError(f"mechanism {self.mechanism} needs a username")
        if (self.password is None) == (self.password_file is None):
            raise ValueError(
                f"mechanism {self.mechanism} needs a password_file or a password in the environment, not both"
            )
        return self

    def _given(self, names: tuple[str, ...] | list[str]) -> str | None:
        """Give the first of these that is set."""
        return next((name for name in names if getattr(self, name) is not None), None)


def flattened(properties: object) -> object:
    """Join what TOML takes apart: `fetch.min.bytes = 1` is a table in a table there.

    Args:
        properties: As read; what is no table is left to the check that follows.

    Example:
        >>> flattened({"fetch": {"min": {"bytes": 1}}, "check.crcs": False})
        {'fetch.min.bytes': 1, 'check.crcs': False}
    """
    if not isinstance(properties, Mapping):
        return properties
    flat: dict[str, object] = {}
    for name, value in properties.items():
        inner = flattened(value)
        if isinstance(inner, dict):
            flat |= {f"{name}.{key}": each for key, each in inner.items()}
        else:
            flat[str(name)] = inner
    return flat


def _scalar(value: object) -> bool | int | float | str:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a text, a number, true or false")
    return value


Scalar = Annotated[bool | int | float | str, PlainValidator(_scalar)]
ClientProperties = Annotated[Mapping[str, Scalar], BeforeValidator(flattened)]


class OAuthClient(SettingsSection):
    """Where tokens are issued, and to whom (client credentials, RFC 6749 section 4.4)."""

    token_endpoint: str = Field(description="https://…; http:// to this machine only")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr | None = Field(default=None, min_length=1)
    client_secret_file: Path | None = Field(default=None, description="holds the secret and nothing else")
    scope: str | None = Field(default=None, min_length=1)
    ca_file: Path | None = Field(default=None, description="PEM; unset: the system's authorities")
    timeout_ms: Annotated[int, Field(ge=100, le=60_000)] = Field(
        default=5_000, description="how long one request for a token may take"
    )

    @model_validator(mode="after")
    def _sends_no_secret_in_clear(self) -> Self:
        try:
            parts = urlsplit(self.token_endpoint)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise ValueError("token_endpoint is no address") from error
        if not host or port == 0 or parts.scheme not in {"http", "https"}:
            raise ValueError("token_endpoint is no https address")
        if parts.username or parts.password:
            raise ValueError("token_endpoint holds a user: write client_id and client_secret instead")
        if parts.scheme == "http" and not is_loopback(host):
            raise ValueError("token_endpoint is http to another host: the client secret would be readable")
        return self

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        if (self.client_secret is None) == (self.client_secret_file is None):
            raise ValueError("needs client_secret or client_secret_file, and not both")
        return self


def parse_oauth_client(text: str, file: Path) -> OAuthClient:
    """Check what `kafka.security.oauth_file` holds.

    Args:
        text: TOML.
        file: Where it was read, for messages.

    Raises:
        ConfigurationError: With every bad key; values are not repeated, because one is a secret.
    """

    def refusal(message: str) -> ConfigurationError:
        return ConfigurationError(
            f"kafka.security.oauth_file {file}: {message}",
            operator_action="correct the file; it has token_endpoint, client_id, client_secret or "
            "client_secret_file, scope",
        )

    document = read_toml(text, _OAUTH, refusal)  # which repeats a single character at most
    try:
        return OAuthClient.model_validate(document)
    except ValidationError as error:
        raise refusal(joined(problems_of(error, OAuthClient, document, _OAUTH, secret=True))) from None


def _listed(kind: Any) -> str:
    return ", ".join(kind.__args__)
