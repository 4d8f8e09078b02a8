"""Settings from where operators write them: a TOML file, the environment, flags; the later wins.

An environment variable is `ROTASCOPE_`, the section, two underscores and the key, as
`ROTASCOPE_KAFKA__BOOTSTRAP_SERVERS`; a key outside the sections follows at once, as
`ROTASCOPE_UNIVERSE_FILE`. A list is written as JSON.

A name that is not known is refused wherever it stands: a misspelt setting would otherwise do
nothing, and nobody would know.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from core.model.errors import ConfigurationError
from core.model.settings import KafkaSettings, Settings, parse_settings
from core.model.suggestions import nearest

PREFIX: Final = "ROTASCOPE_"
SECTION_END: Final = "__"
SETTINGS_VARIABLE: Final = PREFIX + "SETTINGS"
"""Names the settings file where no flag does."""
PASSWORD_VARIABLE: Final = f"{PREFIX}KAFKA{SECTION_END}SECURITY{SECTION_END}PASSWORD"

_OTHER_VARIABLES: Final = frozenset(
    PREFIX + name
    for name in ("SETTINGS", "ALPACA_KEY", "ALPACA_SECRET", "REPLAY_KEY", "REPLAY_SECRET", "SHARED_DATA")
)
"""Read by a single option or by the tests."""

# Kubernetes tells every container the addresses of the services beside it, and a service may be called
# `rotascope-worker`. Two underscores never occur there.
_SERVICE_LINK: Final = re.compile(r"_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")


def collect_settings(file: Path | None, flags: Mapping[str, Any]) -> Settings:
    """Read settings from everywhere and check them.

    Args:
        file: TOML file; None for none.
        flags: Section → key → value, or key → value outside the sections; a None was not given.

    Returns:
        The settings, with defaults for everything nobody named.

    Raises:
        ConfigurationError: A file that cannot be read, a name that is not known, a value that
            cannot be used.
    """
    _refuse_strangers(os.environ)
    values: dict[str, Any] = {}
    for layer in (_from_file(file), _from_environment(), _given(flags)):
        values = _merged(values, layer)
    return parse_settings(values)


def collect_kafka(file: Path | None, bootstrap_servers: str | None, **flags: Any) -> KafkaSettings:
    """Read how to reach Kafka, for a command that needs nothing else.

    Args:
        file: As of `collect_settings`, as are the errors.
        bootstrap_servers: The flag; None where it was not given.
        flags: Further keys of the section; a None was not given.
    """
    return collect_settings(file, {"kafka": {"bootstrap_servers": bootstrap_servers, **flags}}).kafka


def _merged(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Put one layer upon another, key by key, in sections within sections as well."""
    merged = dict(earlier)
    for name, value in later.items():
        before = merged.get(name)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    action = "correct the file or its path; TOML has [section] and key = value"
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"settings {file}: it is not UTF-8 text", operator_action=action) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"settings {file}: {error}", operator_action=action) from error
    except OSError as error:
        raise ConfigurationError(f"settings {file}: {error.strerror}", operator_action=action) from error
    _refuse_password(values, file)
    return values


def _refuse_password(values: Mapping[str, Any], file: Path) -> None:
    """Settings files are copied, shown and committed; a password in one would be, too."""
    inner: Any = values
    for name in ("kafka", "security"):
        inner = inner.get(name) if isinstance(inner, Mapping) else None
    if isinstance(inner, Mapping) and "password" in inner:
        raise ConfigurationError(
            f"settings {file}: kafka.security.password does not belong in a file of settings",
            operator_action=f"remove it; set {PASSWORD_VARIABLE}, or name a file in "
            "kafka.security.password_file",
        )


def _from_environment() -> dict[str, Any]:
    # The source looks at a model's fields and nothing else; core's models know nothing of environments.
    model = cast("type[BaseSettings]", Settings)
    source = EnvSettingsSource(
        model, env_prefix=PREFIX, env_nested_delimiter=SECTION_END, case_sensitive=False
    )
    try:
        return source()
    except SettingsError as error:
        # The message names the section only; the value may be a secret and is not repeated.
        raise ConfigurationError(
            f"environment: {error}", operator_action="write lists as JSON, for instance [0, 1]"
        ) from error


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not given, and sections of which nothing was."""
    given: dict[str, Any] = {}
    for name, value in flags.items():
        if isinstance(value, Mapping):
            section = {key: own for key, own in value.items() if own is not None}
            if section:
                given[name] = section
        elif value is not None:
            given[name] = value
    return given


def _refuse_strangers(names: Iterable[str]) -> None:
    """Refuse our variables that name no setting; keys inside sections are `parse_settings`' business."""
    known = set(_known_variables())
    for name in sorted(names):
        if not name.startswith(PREFIX) or name in known or _SERVICE_LINK.search(name):
            continue
        section, divided, _ = name.removeprefix(PREFIX).partition(SECTION_END)
        if divided and section.lower() in Settings.model_fields:
            continue
        raise ConfigurationError(
            f"environment: {name} is not a setting{nearest(name, known)}",
            operator_action=f"correct it or unset it; a key of a section is {PREFIX}SECTION__KEY",
        )


def _known_variables() -> Iterable[str]:
    yield from _OTHER_VARIABLES
    for name, field in Settings.model_fields.items():
        keys = getattr(field.annotation, "model_fields", None)
        if keys is None:
            yield PREFIX + name.upper()
        else:
            yield from (f"{PREFIX}{name}{SECTION_END}{key}".upper() for key in keys)
