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
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, cast

import typer
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from core.model.errors import ConfigurationError
from core.model.section import SettingsSection
from core.model.settings import KafkaSettings, Settings, parse_settings, settings_model
from core.model.suggestions import nearest
from core.model.validation import parse_toml
from core.model.validation_places import Location

PREFIX: Final = "ROTASCOPE_"
SECTION_END: Final = "__"
SETTINGS_VARIABLE: Final = PREFIX + "SETTINGS"
"""Path of the settings file if no flag is given."""
PASSWORD_VARIABLE: Final = f"{PREFIX}KAFKA{SECTION_END}SECURITY{SECTION_END}PASSWORD"

_SECRETS: Final[Mapping[tuple[str, ...], str]] = MappingProxyType(
    {
        ("kafka", "security", "password"): PASSWORD_VARIABLE,
        ("forward", "secret"): f"{PREFIX}FORWARD{SECTION_END}SECRET",
    }
)
"""Keys that no settings file may hold → the variable in its place."""

_OTHER_VARIABLES: Final = frozenset(
    PREFIX + name for name in ("SETTINGS", "REPLAY_KEY", "REPLAY_SECRET", "SHARED_DATA")
)
"""Read by individual options or by the tests."""

_FLAGS: Final[Mapping[tuple[str, ...], str]] = MappingProxyType(
    {
        ("metrics", "port"): "--metrics-port",
        ("kafka", "api_version"): "--broker-api-version",
        ("worker", "assigned"): "--assign",
        ("forward", "connections_max"): "--connections",
        ("universe_file",): "--universe",
        ("catalogue_file",): "--catalogue",
    }
)
"""Flags that are not called like their key."""

# Kubernetes sets variables with the addresses of services, and a service may be called `rotascope-worker`.
# These never contain two underscores.
_SERVICE_LINK: Final = re.compile(r"_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?")


Sections = Mapping[str, type[SettingsSection]]
"""Sections that the settings have besides those of `Settings`: name → model."""

NO_SECTIONS: Final[Sections] = MappingProxyType({})


def collect_settings(
    file: Path | None, flags: Mapping[str, Any], sections: Sections = NO_SECTIONS
) -> Settings:
    """Collect and validate settings.

    Args:
        file: TOML file; None for none.
        flags: SettingsSection → key → value, or key → value outside the sections; None if not given.
        sections: Further sections, such as those of the feeds.

    Returns:
        The settings, with defaults for missing keys.

    Raises:
        ConfigurationError: A file is unreadable, a name is unknown, or a value is
            invalid; the message names the file, variable or flag that it came from.
    """
    model = settings_model(sections)
    _refuse_unknown_variables(os.environ, model, sections)
    of_file, of_environment, of_flags = _from_file(file), _from_environment(model, sections), _given(flags)
    values: dict[str, Any] = {}
    for layer in (of_file, of_environment, of_flags):
        values = _merged(values, layer)

    def origin(location: Location) -> str:
        found = _found(values, location)
        if found is None:
            return ""
        if found == _found(of_flags, location):
            return "" if isinstance(found, Mapping) else flag_of(location)
        if found == _found(of_environment, location):
            return "environment" if isinstance(found, Mapping) else _variable(location)
        # What is wrong with a whole section may come from several places at once.
        return str(file) if found == _found(of_file, location) else ""

    return parse_settings(values, model, origin=origin)


def collect_kafka(
    file: Path | None, bootstrap_servers: str | None, *, sections: Sections = NO_SECTIONS, **flags: Any
) -> KafkaSettings:
    """Read how to reach Kafka, for a command that needs nothing else.

    Args:
        file: See `collect_settings`, as are the errors.
        bootstrap_servers: The flag; None where it was not given.
        sections: See `collect_settings`.
        flags: Further keys of the section; None if not given.
    """
    given = {"kafka": {"bootstrap_servers": bootstrap_servers, **flags}}
    return collect_settings(file, given, sections).kafka


def sections_of(context: typer.Context) -> Sections:
    """Return the sections that the command line hands to its commands; none without a command line."""
    return context.obj() if callable(context.obj) else NO_SECTIONS


def variable_of(section: str, key: str) -> str:
    """Return the environment variable of a key of a section.

    Example:
        >>> variable_of("kafka", "partitions")
        'ROTASCOPE_KAFKA__PARTITIONS'
    """
    return f"{PREFIX}{section}{SECTION_END}{key}".upper()


def flag_of(location: Location) -> str:
    """Return the flag that sets a key.

    Example:
        >>> flag_of(("worker", "membership")), flag_of(("metrics", "port"))
        ('--membership', '--metrics-port')
    """
    keys = tuple(step for step in location if isinstance(step, str))
    return _FLAGS.get(keys) or f"--{keys[-1].replace('_', '-')}"


def _variable(location: Location) -> str:
    return PREFIX + SECTION_END.join(step for step in location if isinstance(step, str)).upper()


def _found(values: Any, location: Location) -> Any:
    """Return the value at a location, or the list that the location is in; None where there is none."""
    for step in location:
        if not isinstance(values, Mapping):
            break
        values = values.get(step)
    return values


def _merged(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Put one layer upon another, key by key, in sections within sections as well.

    A value that stands where a section should be is kept, so that it is refused and not overwritten.
    """
    merged = dict(earlier)
    for name, value in later.items():
        before = merged.get(name)
        if before is None or not isinstance(value, Mapping):
            merged[name] = value
        elif isinstance(before, Mapping):
            merged[name] = _merged(before, value)
    return merged


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    action = "correct the file or its path; TOML has [section] and key = value"
    try:
        values = parse_toml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"settings {file}: it is not UTF-8 text", operator_action=action) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"settings {file}: {error}", operator_action=action) from error
    except OSError as error:
        raise ConfigurationError(f"settings {file}: {error.strerror}", operator_action=action) from error
    _refuse_secrets(values, file)
    return values


def _refuse_secrets(values: Mapping[str, Any], file: Path) -> None:
    """Settings files are copied, shown and committed; a secret in one would be, too."""
    for (*sections, key), variable in _SECRETS.items():
        inner: Any = values
        for name in sections:
            inner = inner.get(name) if isinstance(inner, Mapping) else None
        if isinstance(inner, Mapping) and key in inner:
            named = ".".join((*sections, key))
            raise ConfigurationError(
                f"settings {file}: {named} does not belong in a file of settings",
                operator_action=f"remove it; set {variable}, or name a file in {named}_file",
            )


def _from_environment(model: type[Settings], sections: Sections) -> dict[str, Any]:
    # The source only reads a model's fields; core's models do not depend on the environment.
    source = EnvSettingsSource(
        cast("type[BaseSettings]", model),
        env_prefix=PREFIX,
        env_nested_delimiter=SECTION_END,
        case_sensitive=False,
    )
    short = {
        name: {key: os.environ.get(variable) or None for variable, key in section.variables.items()}
        for name, section in sections.items()
    }
    try:
        return _merged(source(), _given(short))
    except SettingsError as error:
        # The value is not shown, because it may be a secret.
        raise ConfigurationError(
            f"environment: {', '.join(_unreadable(source))} is not valid JSON",
            operator_action="write lists as JSON, for example [0, 1]; set keys of a section one by one, "
            f"as {variable_of('kafka', 'partitions')}",
        ) from error


def _unreadable(source: EnvSettingsSource) -> Iterator[str]:
    """Find the variables that the source cannot read: its error names only the section."""
    for name, text in source.env_vars.items():
        if name.startswith(PREFIX.lower()):
            source.env_vars = {name: text}
            try:
                source()
            except SettingsError:
                yield name.upper()


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


def _refuse_unknown_variables(names: Iterable[str], model: type[Settings], sections: Sections) -> None:
    """Refuse variables with our prefix that are not settings; `parse_settings` checks keys in sections."""
    known = set(_known_variables(model, sections))
    for name in sorted(names):
        if not name.startswith(PREFIX) or name in known or _SERVICE_LINK.search(name):
            continue
        section, divided, _ = name.removeprefix(PREFIX).partition(SECTION_END)
        if divided and section.lower() in model.model_fields:
            continue
        raise ConfigurationError(
            f"environment: {name} is not a setting{nearest(name, known)}",
            operator_action=f"correct it or unset it; a key of a section is {PREFIX}SECTION__KEY",
        )


def _known_variables(model: type[Settings], sections: Sections) -> Iterable[str]:
    yield from _OTHER_VARIABLES
    for section in sections.values():
        yield from section.variables
    for name, field in model.model_fields.items():
        keys = getattr(field.annotation, "model_fields", None)
        if keys is None:
            yield PREFIX + name.upper()
        else:
            yield from (variable_of(name, key) for key in keys)
