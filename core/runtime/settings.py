"""Collects settings from a TOML file, the environment and flags, in increasing precedence.

An environment variable is `ROTASCOPE_`, the section, two underscores and the key, as
`ROTASCOPE_KAFKA__BOOTSTRAP_SERVERS`; a key outside the sections follows directly, as
`ROTASCOPE_UNIVERSE_FILE`. A list is written as JSON.

Unknown names are refused everywhere, because a misspelt setting would otherwise be silently ignored.
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
from core.model.settings import Settings, parse_settings
from core.model.suggestions import nearest

PREFIX: Final = "ROTASCOPE_"
SECTION_END: Final = "__"
SETTINGS_VARIABLE: Final = PREFIX + "SETTINGS"
"""Path of the settings file if no flag is given."""

_OTHER_VARIABLES: Final = frozenset(
    PREFIX + name
    for name in ("SETTINGS", "ALPACA_KEY", "ALPACA_SECRET", "REPLAY_KEY", "REPLAY_SECRET", "SHARED_DATA")
)
"""Read by individual options or by the tests."""

# Kubernetes sets variables with the addresses of services, and a service may be called `rotascope-worker`.
# These never contain two underscores.
_SERVICE_LINK: Final = re.compile(r"_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")


def collect_settings(file: Path | None, flags: Mapping[str, Any]) -> Settings:
    """Collect and validate settings.

    Args:
        file: TOML file; None for none.
        flags: Section → key → value, or key → value outside the sections; None if not given.

    Returns:
        The settings, with defaults for missing keys.

    Raises:
        ConfigurationError: A file is unreadable, a name is unknown, or a value is
            invalid.
    """
    _refuse_unknown_variables(os.environ)
    values: dict[str, Any] = {}
    for layer in (_from_file(file), _from_environment(), _given(flags)):
        for name, value in layer.items():
            earlier = values.get(name)
            if isinstance(earlier, Mapping) and isinstance(value, Mapping):
                value = {**earlier, **value}
            values[name] = value
    return parse_settings(values)


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    action = "correct the file or its path; TOML has [section] and key = value"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"settings {file}: it is not UTF-8 text", operator_action=action) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"settings {file}: {error}", operator_action=action) from error
    except OSError as error:
        raise ConfigurationError(f"settings {file}: {error.strerror}", operator_action=action) from error


def _from_environment() -> dict[str, Any]:
    # The source only reads a model's fields; core's models do not depend on the environment.
    model = cast("type[BaseSettings]", Settings)
    source = EnvSettingsSource(
        model, env_prefix=PREFIX, env_nested_delimiter=SECTION_END, case_sensitive=False
    )
    try:
        return source()
    except SettingsError as error:
        # The message only names the section, because the value may be a secret.
        raise ConfigurationError(
            f"environment: {error}", operator_action="write lists as JSON, for example [0, 1]"
        ) from error


def _given(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Drop missing values and empty sections."""
    given: dict[str, Any] = {}
    for name, value in flags.items():
        if isinstance(value, Mapping):
            section = {key: own for key, own in value.items() if own is not None}
            if section:
                given[name] = section
        elif value is not None:
            given[name] = value
    return given


def _refuse_unknown_variables(names: Iterable[str]) -> None:
    """Refuse variables with our prefix that are not settings; `parse_settings` checks keys in sections."""
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
