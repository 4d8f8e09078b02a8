"""Settings: every knob of every program, typed, frozen, with its unit in its name.

These are plain models. The edges read TOML, environment and flags and hand one mapping to
`parse_settings`; the core never looks at any of them itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from core.model.errors import ConfigurationError
from core.model.frames import MAX_RECORDS
from core.model.kafka_security import ClientProperties, KafkaSecurity
from core.model.suggestions import nearest

Milliseconds = Annotated[int, Field(ge=1, le=86_400_000)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Count = Annotated[int, Field(ge=1)]

_KIB: Final = 1024
_MIB: Final = 1024 * _KIB


class _Section(BaseModel):
    """What all sections share: frozen, unknown keys refused, secrets kept out of messages."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _WithBackoff(_Section):
    """What sections share that wait longer after each failure."""

    backoff_initial_ms: Milliseconds = 100
    backoff_max_ms: Milliseconds = 5_000

    @model_validator(mode="after")
    def _waits_grow(self) -> Self:
        if self.backoff_max_ms < self.backoff_initial_ms:
            raise ValueError("backoff_max_ms is less than backoff_initial_ms")
        return self


class KafkaSettings(_Section):
    """How to reach Kafka, and which topic generation to use."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", description="host:port, comma-separated")
    client: Literal["kafka-python", "confluent"] = Field(
        default="kafka-python", description="the library behind the transport"
    )
    api_version: tuple[int, int] | None = Field(
        default=None, description="unset asks the broker; the demo's embedded broker needs [2, 3]"
    )
    partitions: int = Field(
        default=12, ge=1, le=1_024, description="of the ticks topic; any other number is refused"
    )
    topic_generation: int = Field(default=1, ge=1, description="the number behind `rotascope.ticks.v`")
    compression: Literal["none", "lz4", "gzip"] = Field(default="none", description="of records sent")
    linger_ms: int = Field(default=2, ge=0, le=10_000, description="how long a batch waits for more records")
    batch_size_bytes: int = Field(default=256 * _KIB, ge=1, description="bytes of a full batch")
    max_request_bytes: int = Field(
        default=2 * _MIB,
        ge=64 * _KIB,
        description="of the largest request to a broker; a record that would need a larger one is refused",
    )
    fetch_max_wait_ms: Milliseconds = Field(
        default=100, description="how long the broker may hold an empty answer"
    )
    max_partition_fetch_bytes: int = Field(
        default=_MIB,
        ge=_KIB,
        description="1 to 4 MiB are equally fast; an answer that takes too long is lost whole",
    )
    bootstrap_timeout_ms: Milliseconds = Field(
        default=5_000,
        description="how long to look for a broker at start; a worker without --until waits without limit",
    )
    request_timeout_ms: Milliseconds = Field(default=10_000, description="how long one question may take")
    delivery_timeout_ms: Milliseconds = Field(
        default=15_000, description="then a record sent counts as failed"
    )
    patience_ms: Milliseconds = Field(
        default=120_000,
        description="how long a command that ends by itself (backfill, --until-end, demo) waits for a broker "
        "that went away",
    )
    security: KafkaSecurity = KafkaSecurity()
    client_properties: ClientProperties = Field(
        default={}, description="further properties of the client, in the names of Kafka or librdkafka"
    )

    @property
    def ticks_topic(self) -> str:
        """The ticks topic of this generation."""
        return f"rotascope.ticks.v{self.topic_generation}"

    @property
    def snapshots_topic(self) -> str:
        """The snapshots topic of this generation."""
        return f"rotascope.snapshots.v{self.topic_generation}"


class AlpacaSettings(_Section):
    """How to reach the vendor. Keys come from the environment or a settings file, never from a flag."""

    url: str = Field(default="wss://stream.data.alpaca.markets/v2/sip", description="the websocket stream")
    key_id: SecretStr | None = Field(default=None, description="the API key's id")
    secret_key: SecretStr | None = Field(default=None, description="the API key's secret")
    codec: Literal["json", "msgpack"] = Field(
        default="msgpack", description="how messages are written on the wire"
    )
    insecure: bool = Field(
        default=False,
        description="allow ws:// to another host than this machine: key and secret travel unencrypted",
    )
    max_message_bytes: int = Field(
        default=16 * _MIB,
        ge=64 * _KIB,
        le=1024 * _MIB,
        description="a larger websocket message ends the connection",
    )


class ProducerSettings(_WithBackoff):
    """How a producer frames, buffers, publishes and reconnects."""

    clock: Literal["live", "recorded"] = Field(
        default="live", description="whether wall time may push the clock mark of a quiet feed"
    )
    clock_delay_ms: Milliseconds = Field(
        default=1_000, description="live: the mark follows wall time less this"
    )
    frame_max_ticks: int = Field(
        default=512, ge=1, le=MAX_RECORDS, description="a frame is flushed at so many ticks"
    )
    frame_max_age_ms: int = Field(default=8, ge=1, le=1_000, description="or when its first tick is this old")
    bytes_in_flight_max: int = Field(
        default=8 * _MIB,
        ge=64 * _KIB,
        description="unacknowledged bytes per partition; then that partition waits",
    )
    hold_max_bytes: int = Field(
        default=512 * _MIB,
        ge=_MIB,
        description="live: bytes held while the broker does not take them, each copy of the tape counted; "
        "above this the oldest are dropped and a gap mark takes their place",
    )
    hold_max_age_ms: Milliseconds = Field(
        default=600_000, description="live: a record held for longer is dropped likewise"
    )
    queue_max_messages: Count = Field(default=10_000, description="raw messages between reader and parser")
    queue_max_age_ms: Milliseconds = Field(
        default=5_000, description="an older message in the queue is a stall"
    )
    watchdog_silence_s: float = Field(
        default=15.0, gt=0, description="in session: silence that means a dead feed"
    )
    backoff_initial_ms: Milliseconds = Field(
        default=500, description="first wait before a reconnect, jittered"
    )
    backoff_max_ms: Milliseconds = Field(default=30_000, description="longest wait before a reconnect")
    backoff_reset_after_s: float = Field(
        default=30.0, gt=0, description="data for this long makes the wait short again"
    )


class WorkerSettings(_WithBackoff):
    """How a worker shares the partitions, paces itself, and when it gives up."""

    group_id: str = Field(default="rotascope-worker", min_length=1, description="where offsets are committed")
    membership: Literal["dynamic", "static", "manual"] = Field(
        default="dynamic",
        description="how partitions come to members: by the group, by the group and kept over a restart, "
        "or by an operator",
    )
    delivery: Literal["exactly_once", "at_least_once"] = Field(
        default="exactly_once",
        description="output and offsets in one transaction, or offsets behind their output",
    )
    assigned: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        default=None, description="manual: partitions of this worker; unset for all"
    )
    slot: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="name that a restart keeps and no other worker has; unset: a new one at each start",
    )
    session_timeout_ms: Milliseconds = Field(
        default=10_000, description="silence after which the group gives a member's partitions away"
    )
    heartbeat_interval_ms: Milliseconds = Field(
        default=300, description="also the time a member needs to notice a rebalance"
    )
    max_poll_interval_ms: Milliseconds = Field(
        default=15_000, description="a loop that does not poll for so long leaves the group"
    )
    join_timeout_ms: Milliseconds = Field(
        default=5_000,
        description="longest join beyond what the group may wait for a member: then the client is made anew",
    )
    transaction_timeout_ms: Milliseconds = Field(
        default=10_000, description="the coordinator aborts a transaction that is open for longer"
    )
    transaction_deadline_ms: Milliseconds = Field(
        default=5_000, description="then a transaction is given up and its outcome looked up"
    )
    commit_interval_ms: Milliseconds = Field(
        default=200, description="longest time between commits with news"
    )
    eager_commit_interval_ms: Milliseconds = Field(default=20, description="shortest, when caught up")
    poll_timeout_ms: Milliseconds = Field(default=100, description="longest wait for records")
    fetch_silence_ms: Milliseconds = Field(
        default=15_000,
        description="a partition silent for so long: the broker is asked whether it has more; longer than a "
        "question may take, or an answer on its way is thrown away",
    )
    broker_silence_ms: Milliseconds = Field(
        default=10_000,
        description="no answer of any broker for so long, not even an empty one: the worker is not ready",
    )
    poll_max_records: Count = Field(default=500, description="frames a poll hands out; 50 halves throughput")
    step_slice_ms: Milliseconds = Field(default=200, description="longest run of steps between two polls")
    outbox_max_bytes: int = Field(
        default=64 * _MIB, ge=_MIB, description="above this: no step until a commit"
    )
    flush_timeout_ms: Milliseconds = Field(
        default=20_000, description="then an unanswered record counts as failed"
    )
    backoff_initial_ms: Milliseconds = Field(
        default=100, description="wait after a first failure of the broker"
    )
    backoff_max_ms: Milliseconds = Field(default=5_000, description="longest such wait")
    failures_in_a_row_max: Count = Field(
        default=10, description="bad records or failed commits until not ready"
    )
    liveness_timeout_ms: Milliseconds = Field(
        default=60_000, description="a loop silent for this long is dead"
    )
    shutdown_timeout_ms: Milliseconds = Field(default=15_000, description="how long a stop tries to publish")
    snapshot_interval_ms: int = Field(
        default=60_000, ge=0, description="time between two snapshots of a partition; 0 for none"
    )
    missing_baseline: Literal["fail", "rebuild"] = Field(
        default="fail", description="when the log no longer holds what the state was made of"
    )
    dead_letter_max_bytes: int = Field(
        default=4_096, ge=0, le=4_096, description="bytes kept of what was refused"
    )

    @model_validator(mode="after")
    def _commits_are_paced(self) -> Self:
        if self.eager_commit_interval_ms > self.commit_interval_ms:
            raise ValueError("eager_commit_interval_ms is more than commit_interval_ms")
        return self

    @model_validator(mode="after")
    def _membership_is_whole(self) -> Self:
        if self.assigned is not None and self.membership != "manual":
            raise ValueError("assigned partitions need membership 'manual'")
        if self.membership == "static" and self.slot is None:
            raise ValueError("membership 'static' needs a slot, the name that the member keeps")
        if 3 * self.heartbeat_interval_ms > self.session_timeout_ms:
            raise ValueError("heartbeat_interval_ms is more than a third of session_timeout_ms")
        if self.transaction_deadline_ms > self.transaction_timeout_ms:
            raise ValueError("transaction_deadline_ms is more than transaction_timeout_ms")
        return self


class MetricsSettings(_Section):
    """Where `/metrics`, `/livez` and `/readyz` are served, and how many series at most."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: Port = Field(default=9_464, description="0 takes a free port")
    watched_pairs: tuple[str, ...] = Field(
        default=(), description="pairs whose series are served; none named: all"
    )
    series_max: Count = Field(
        default=20_000, description="series of the engine in one scrape; the rest is counted"
    )


class LogSettings(_Section):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal"
    )


class HistoryFile(_Section):
    """One instrument's daily file, for the warm start."""

    symbol: str = Field(min_length=1, description="of the universe")
    file: Path = Field(description="CSV, JSON or Parquet")
    column: str = Field(default="close", min_length=1, description="the column to use as close")
    date_column: str | None = Field(default=None, description="unset: date, timestamp, time, …")
    date_format: str | None = Field(
        default=None, description="how dates are written, such as %d/%m/%Y; unset: as the first one looks"
    )
    accept_jumps: tuple[date, ...] = Field(
        default=(), description="days whose close really is twice the one before, or half, or further"
    )


class Settings(_Section):
    """Everything, by section."""

    universe_file: Path | None = Field(default=None, description="unset: the demo's universe")
    catalogue_file: Path | None = Field(
        default=None, description="unset: the definitions that come with Rotascope"
    )
    calendar_overrides_file: Path | None = Field(
        default=None, description="closes announced after the release"
    )
    calendar_events_file: Path | None = Field(
        default=None, description="dated events that tag others; unset: those that come with Rotascope"
    )
    base_rates_file: Path | None = Field(
        default=None, description="from 'rotascope study base-rates --store'; unset: events carry none"
    )
    rarity_file: Path | None = Field(
        default=None, description="from 'rotascope study nulls --store'; unset: events carry none"
    )
    history: tuple[HistoryFile, ...] = ()
    history_source: str = Field(
        default="history", min_length=1, description="the source baseline records name"
    )
    kafka: KafkaSettings = KafkaSettings()
    alpaca: AlpacaSettings = AlpacaSettings()
    producer: ProducerSettings = ProducerSettings()
    worker: WorkerSettings = WorkerSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()


def parse_settings(values: Mapping[str, Any]) -> Settings:
    """Check settings as the edges collected them.

    Args:
        values: Section → key → value; values may be text, as an environment gives them.

    Returns:
        The settings, with defaults for everything not named.

    Raises:
        ConfigurationError: With every bad key, and the nearest valid name of an unknown one. Values are
            not repeated, because one of them may be a secret.

    Example:
        >>> parse_settings({"kafka": {"partitions": "4"}}).kafka.partitions
        4
        >>> parse_settings({"kafka": {"partition": 4}})
        Traceback (most recent call last):
            ...
        core.model.errors.ConfigurationError: settings: kafka.partition is not a key (did you mean ...)
        Operator action: mend the settings; 'rotascope check' reads them without starting anything
    """
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        problems = [_describe(tuple(found["loc"]), found["type"], found["msg"]) for found in error.errors()]
    raise ConfigurationError(
        f"settings: {'; '.join(problems)}",
        operator_action="mend the settings; 'rotascope check' reads them without starting anything",
    )


def _describe(location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(map(str, location))
    if kind == "extra_forbidden":
        keys = _section_at(location[:-1]).model_fields
        return f"{key} is not a key{nearest(str(location[-1]), keys, list_all=True)}"
    text = message.removeprefix("Value error, ")
    return f"{key}: {text[0].lower()}{text[1:]}"


def _section_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """Find the section that holds a key, by the names and list positions that lead to it."""
    section: type[BaseModel] = Settings
    for step in location:
        if isinstance(step, str) and step in section.model_fields:
            section = _model_in(section.model_fields[step].annotation) or section
    return section


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
