"""Settings of all programs: typed, frozen, with units in names.

These are plain models. The edges read TOML, environment and flags and pass one mapping to
`parse_settings`; the core reads none of them itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from core.model import topics
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
    """Base of all sections: frozen, unknown keys refused, secrets kept out of messages."""

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
    """Kafka connection and topic generation."""

    bootstrap_servers: str = Field(default="127.0.0.1:9092", description="host:port, comma-separated")
    client: Literal["kafka-python", "confluent"] = Field(
        default="kafka-python", description="the library behind the transport"
    )
    api_version: tuple[int, int] | None = Field(
        default=None, description="unset asks the broker; the demo's embedded broker needs [2, 3]"
    )
    partitions: int = Field(
        default=12, ge=1, le=1_024, description="partitions of the ticks topic; any other number is refused"
    )
    topic_generation: int = Field(default=1, ge=1, description="the number after `rotascope.ticks.v`")
    compression: Literal["none", "lz4", "gzip"] = Field(
        default="none", description="compression of sent records"
    )
    linger_ms: int = Field(default=2, ge=0, le=10_000, description="how long a batch waits for more records")
    batch_size_bytes: int = Field(default=256 * _KIB, ge=1, description="bytes of a full batch")
    max_request_bytes: int = Field(
        default=2 * _MIB,
        ge=64 * _KIB,
        description="size of the largest request to a broker; a record that needs a larger one is refused",
    )
    fetch_max_wait_ms: Milliseconds = Field(
        default=100, description="how long the broker may delay an empty fetch response"
    )
    max_partition_fetch_bytes: int = Field(
        default=_MIB,
        ge=_KIB,
        description="1 to 4 MiB are equally fast; a response that takes too long is discarded as a whole",
    )
    bootstrap_timeout_ms: Milliseconds = Field(
        default=5_000,
        description="how long to look for a broker at start; a worker without --until waits without limit",
    )
    request_timeout_ms: Milliseconds = Field(default=10_000, description="timeout of one request")
    delivery_timeout_ms: Milliseconds = Field(
        default=15_000, description="time after which an unacknowledged record counts as failed"
    )
    patience_ms: Milliseconds = Field(
        default=120_000,
        description="how long a one-shot command (backfill, --until-end, demo) waits for an unreachable "
        "broker",
    )
    security: KafkaSecurity = KafkaSecurity()
    client_properties: ClientProperties = Field(
        default={}, description="further properties of the client, in the names of Kafka or librdkafka"
    )

    @property
    def ticks_topic(self) -> str:
        """The ticks topic of this generation."""
        return topics.ticks_topic(self.topic_generation)

    @property
    def snapshots_topic(self) -> str:
        """The snapshots topic of this generation."""
        return topics.snapshots_topic(self.topic_generation)


class AlpacaSettings(_Section):
    """Vendor connection. Keys come from the environment or a settings file, never from a flag."""

    url: str = Field(default="wss://stream.data.alpaca.markets/v2/sip", description="the websocket stream")
    key_id: SecretStr | None = Field(default=None, description="the API key's id")
    secret_key: SecretStr | None = Field(default=None, description="the API key's secret")
    codec: Literal["json", "msgpack"] = Field(default="msgpack", description="wire encoding of messages")
    insecure: bool = Field(
        default=False,
        description="allow ws:// to other hosts: key and secret are then sent unencrypted",
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
        default=8 * _MIB,
        ge=64 * _KIB,
        description="unacknowledged bytes per partition; then that partition waits",
    )
    hold_max_bytes: int = Field(
        default=512 * _MIB,
        ge=_MIB,
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


class WorkerSettings(_WithBackoff):
    """Partition assignment, pacing and time limits of a worker."""

    group_id: str = Field(
        default="rotascope-worker",
        min_length=1,
        description="consumer group under which offsets are committed",
    )
    membership: Literal["dynamic", "static", "manual"] = Field(
        default="dynamic",
        description="how partitions come to members: by the group, by the group with static membership, "
        "or manually",
    )
    delivery: Literal["exactly_once", "at_least_once"] = Field(
        default="exactly_once",
        description="output and offsets in one transaction, or offsets after their output",
    )
    assigned: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        default=None, description="manual: partitions of this worker; unset for all"
    )
    slot: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="unique name of this worker that survives restarts; unset: a new one at each start",
    )
    session_timeout_ms: Milliseconds = Field(
        default=10_000, description="silence after which the group reassigns a member's partitions"
    )
    heartbeat_interval_ms: Milliseconds = Field(
        default=300, description="heartbeat interval; also the time to notice a rebalance"
    )
    max_poll_interval_ms: Milliseconds = Field(
        default=15_000, description="a worker that does not poll for this long leaves the group"
    )
    join_timeout_ms: Milliseconds = Field(
        default=5_000,
        description="time limit of a join beyond what the group may wait for a member; then the client "
        "is recreated",
    )
    transaction_timeout_ms: Milliseconds = Field(
        default=10_000, description="the coordinator aborts a transaction that stays open for longer"
    )
    transaction_deadline_ms: Milliseconds = Field(
        default=5_000, description="time after which a transaction is abandoned and its outcome looked up"
    )
    commit_interval_ms: Milliseconds = Field(
        default=200, description="maximum time between commits while there is output"
    )
    eager_commit_interval_ms: Milliseconds = Field(
        default=20, description="minimum time between commits, when caught up"
    )
    poll_timeout_ms: Milliseconds = Field(default=100, description="longest wait for records")
    fetch_silence_ms: Milliseconds = Field(
        default=15_000,
        description="silence of a partition after which the broker is asked for its end offset; "
        "longer than a "
        "request may take, or a response in flight is discarded",
    )
    broker_silence_ms: Milliseconds = Field(
        default=10_000,
        description="time without any broker response, even an empty one, after which the worker "
        "is not ready",
    )
    poll_max_records: Count = Field(
        default=500, description="maximum frames returned by a poll; 50 halves throughput"
    )
    step_slice_ms: Milliseconds = Field(default=200, description="maximum processing time between two polls")
    outbox_max_bytes: int = Field(
        default=64 * _MIB, ge=_MIB, description="above this, processing pauses until a commit"
    )
    flush_timeout_ms: Milliseconds = Field(
        default=20_000, description="time after which an unacknowledged record counts as failed"
    )
    backoff_initial_ms: Milliseconds = Field(default=100, description="first wait after a broker failure")
    backoff_max_ms: Milliseconds = Field(default=5_000, description="longest wait after broker failures")
    failures_in_a_row_max: Count = Field(
        default=10,
        description="consecutive bad records or failed commits after which the worker is not ready",
    )
    liveness_timeout_ms: Milliseconds = Field(
        default=60_000, description="a loop that does not turn for this long is dead"
    )
    shutdown_timeout_ms: Milliseconds = Field(
        default=15_000, description="time limit for publishing at shutdown"
    )
    snapshot_interval_ms: int = Field(
        default=60_000, ge=0, description="time between two snapshots of a partition; 0 disables them"
    )
    missing_baseline: Literal["fail", "rebuild"] = Field(
        default="fail", description="action if the log no longer contains the state's baseline"
    )
    dead_letter_max_bytes: int = Field(
        default=4_096, ge=0, le=4_096, description="bytes kept of a refused record"
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
            raise ValueError("membership 'static' needs a slot, the member's persistent name")
        if 3 * self.heartbeat_interval_ms > self.session_timeout_ms:
            raise ValueError("heartbeat_interval_ms is more than a third of session_timeout_ms")
        if self.transaction_deadline_ms > self.transaction_timeout_ms:
            raise ValueError("transaction_deadline_ms is more than transaction_timeout_ms")
        return self


class MetricsSettings(_Section):
    """Address of `/metrics`, `/livez` and `/readyz`, and the limit of series."""

    host: str = Field(default="127.0.0.1", min_length=1, description="address to listen on")
    port: Port = Field(default=9_464, description="0 picks a free port")
    watched_pairs: tuple[str, ...] = Field(
        default=(), description="pairs whose series are served; empty for all"
    )
    series_max: Count = Field(
        default=20_000, description="maximum engine series per scrape; omitted ones are counted"
    )


class LogSettings(_Section):
    """Level and format of the log."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal"
    )


class HistoryFile(_Section):
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


class Settings(_Section):
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
        default=None, description="from 'rotascope study base-rates --store'; unset: events carry none"
    )
    rarity_file: Path | None = Field(
        default=None, description="from 'rotascope study nulls --store'; unset: events carry none"
    )
    history: tuple[HistoryFile, ...] = ()
    history_source: str = Field(default="history", min_length=1, description="source of baseline records")
    kafka: KafkaSettings = KafkaSettings()
    alpaca: AlpacaSettings = AlpacaSettings()
    producer: ProducerSettings = ProducerSettings()
    worker: WorkerSettings = WorkerSettings()
    metrics: MetricsSettings = MetricsSettings()
    log: LogSettings = LogSettings()


def parse_settings(values: Mapping[str, Any]) -> Settings:
    """Validate the settings collected by the edges.

    Args:
        values: Section → key → value; values may be text, as from the environment.

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
        core.model.errors.ConfigurationError: settings: kafka.partition is not a key (did you mean ...)
        Operator action: fix the settings; 'rotascope check' validates them without starting anything
    """
    try:
        return Settings.model_validate(dict(values))
    except ValidationError as error:
        problems = [_describe(tuple(found["loc"]), found["type"], found["msg"]) for found in error.errors()]
    raise ConfigurationError(
        f"settings: {'; '.join(problems)}",
        operator_action="fix the settings; 'rotascope check' validates them without starting anything",
    )


def _describe(location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(map(str, location))
    if kind == "extra_forbidden":
        keys = _section_at(location[:-1]).model_fields
        return f"{key} is not a key{nearest(str(location[-1]), keys, list_all=True)}"
    text = message.removeprefix("Value error, ")
    return f"{key}: {text[0].lower()}{text[1:]}"


def _section_at(location: tuple[int | str, ...]) -> type[BaseModel]:
    """Find the section that contains a key, by the path of names and list positions."""
    section: type[BaseModel] = Settings
    for step in location:
        if isinstance(step, str) and step in section.model_fields:
            section = _model_in(section.model_fields[step].annotation) or section
    return section


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)
