"""Settings of all programs: typed, frozen, with units in names.

These are plain models. The edges read TOML, environment and flags and pass one mapping to
`parse_settings`; the core reads none of them itself. A feed's section is part of its module, so it is
passed in with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from pydantic import Field, ValidationError, create_model

from core.model.errors import ConfigurationError
from core.model.frames import MAX_RECORDS
from core.model.kafka_settings import KafkaSettings
from core.model.section import KIB, MIB, Count, Milliseconds, Port, SettingsSection, WithBackoff
from core.model.validation import joined, problems_of
from core.model.validation_places import Location
from core.model.worker_settings import WorkerSettings

__all__ = [
    "HistoryFile",
    "KafkaSettings",
    "LogSettings",
    "MetricsSettings",
    "ProducerSettings",
    "Settings",
    "WorkerSettings",
    "parse_settings",
    "settings_model",
]

S = TypeVar("S", bound=SettingsSection)

_WHAT: Final = "settings"


class ProducerSettings(WithBackoff):
    """How a producer frames, buffers, publishes and reconnects."""

    clock: Literal["live", "recorded"] = Field(
        default="live", description="whether wall time may advance the clock mark of a quiet feed"
    )
    clock_delay_ms: Milliseconds = Field(
        default=1_000, description="live: the mark follows wall time minus this"
    )
    frame_max_ticks: int = Field(
        default=512, ge=1, le=MAX_RECORDS, description="a frame is flushed at this many ticks"
    )
    frame_max_age_ms: int = Field(default=8, ge=1, le=1_000, description="or when its first tick is this old")
    bytes_in_flight_max: int = Field(
        default=8 * MIB,
        ge=64 * KIB,
        description="unacknowledged bytes per partition; then that partition waits",
    )
    hold_max_bytes: int = Field(
        default=512 * MIB,
        ge=MIB,
        description="live: maximum bytes held while the broker does not acknowledge them, including "
        "copies of the "
        "benchmark tape; beyond it the oldest are replaced by a gap mark",
    )
    hold_max_age_ms: Milliseconds = Field(
        default=600_000, description="live: a record held for longer is dropped as well"
    )
    queue_max_messages: Count = Field(default=10_000, description="raw messages between reader and parser")
    queue_max_age_ms: Milliseconds = Field(
        default=5_000, description="maximum age of a message in the queue; an older one is a stall"
    )
    watchdog_silence_s: float = Field(
        default=15.0, gt=0, description="silence in session after which the feed is considered dead"
    )
    backoff_initial_ms: Milliseconds = Field(
        default=500, description="first wait before a reconnect, jittered"
    )
    backoff_max_ms: Milliseconds = Field(default=30_000, description="longest wait before a reconnect")
    backoff_reset_after_s: float = Field(default=30.0, gt=0, description="data for this long resets the wait")


class MetricsSettings(SettingsSection):
    """Address of `/metrics`, `/livez` and `/readyz`, and the limit of series."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: Port = Field(default=9_464, description="0 picks a free port")
    watched_pairs: tuple[str, ...] = Field(
        default=(), description="pairs whose series are always served; empty: all, up to pairs_max"
    )
    pairs_max: Count = Field(
        default=200,
        description="with more pairs, or a list, only the list and the strongest and weakest are served",
    )
    ranked_pairs: int = Field(
        default=10, ge=0, description="how many of the strongest, and of the weakest, by 1d relative strength"
    )
    series_max: Count = Field(
        default=20_000, description="maximum series of pairs per scrape; pairs beyond it are counted"
    )


class LogSettings(SettingsSection):
    """Level and format of the log."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal"
    )


class HistoryFile(SettingsSection):
    """One instrument's daily file, for the warm start."""

    symbol: str = Field(min_length=1, description="symbol in the universe")
    file: Path = Field(description="CSV, JSON or Parquet")
    column: str = Field(default="close", min_length=1, description="the column to use as close")
    date_column: str | None = Field(default=None, description="unset: date, timestamp, time, …")
    date_format: str | None = Field(
        default=None, description="date format, such as %d/%m/%Y; unset: detected from the first row"
    )
    accept_jumps: tuple[date, ...] = Field(
        default=(), description="days on which a jump of the close by a factor of two or more is real"
    )


class Settings(SettingsSection):
    """All settings, by section."""

    universe_file: Path | None = Field(default=None, description="unset: the demo's universe")
    catalogue_file: Path | None = Field(default=None, description="unset: Rotascope's own definitions")
    calendar_overrides_file: Path | None = Field(
        default=None, description="closes announced after the release"
    )
    calendar_events_file: Path | None = Field(
        default=None, description="dated events that tag others; unset: Rotascope's own"
    )
    base_rates_file: Path | None = Field(
        default=None,
        description="from 'rotascope study base-rates --store'; in force where a mark in the log names it",
    )
    rarity_file: Path | None = Field(
        default=None,
        description="from 'rotascope study nulls --store'; in force where a mark in the log names it",
    )
    history: tuple[HistoryFile, ...] = ()
    history_source: str = Field(default="history", min_length=1, description="source of baseline records")
    kafka: KafkaSettings = KafkaSettings()
    producer: ProducerSettings = ProducerSettings()
    worker: WorkerSettings = WorkerSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()

    def section(self, name: str, kind: type[S]) -> S:
        """Return a section that is not one of the above, such as a feed's.

        Raises:
            KeyError: The settings were read without this section.
        """
        found = getattr(self, name, None)
        if not isinstance(found, kind):
            raise KeyError(name)
        return found


def settings_model(sections: Mapping[str, type[SettingsSection]]) -> type[Settings]:
    """Return the model of all settings, with further sections.

    Args:
        sections: Name → model, such as those of the feeds; every key has a default.
    """
    if not sections:
        return Settings
    fields: dict[str, Any] = {name: (section, section()) for name, section in sections.items()}
    return create_model("Settings", __base__=Settings, **fields)


def parse_settings(
    values: Mapping[str, Any],
    model: type[Settings] = Settings,
    *,
    origin: Callable[[Location], str] = lambda location: "",
) -> Settings:
    """Validate the settings collected by the edges.

    Args:
        values: SettingsSection → key → value; values may be text, as from the environment.
        model: `Settings`, or the result of `settings_model`.
        origin: File or variable of the value at a location, for messages; "" where it is not known.

    Returns:
        The settings, with defaults for missing keys.

    Raises:
        ConfigurationError: The message lists every invalid key, with the nearest valid name of unknown
            ones. Values are not shown, because they may be secrets.

    Example:
        >>> parse_settings({"kafka": {"partitions": "4"}}).kafka.partitions
        4
        >>> parse_settings({"kafka": {"partition": 4}})
        Traceback (most recent call last):
            ...
        core.model.errors.ConfigurationError: settings: kafka: unknown key 'partition'; did you mean ...
        Operator action: fix the settings; 'rotascope check' validates them without starting anything
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = problems_of(error, model, values, _WHAT, secret=True)
        origins = [origin(tuple(found["loc"])) for found in error.errors()]
    where = _WHAT
    if len(set(origins)) == 1:
        where = f"{_WHAT} {origins[0]}".rstrip()
    else:
        problems = [f"{text} ({at})" if at else text for text, at in zip(problems, origins, strict=True)]
    raise ConfigurationError(
        f"{where}: {joined(problems).removeprefix(f'{_WHAT}: ')}",
        operator_action="fix the settings; 'rotascope check' validates them without starting anything",
    )
