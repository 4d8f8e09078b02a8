"""Settings of a worker."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from core.model.section import MIB, Count, Milliseconds, WithBackoff


class WorkerSettings(WithBackoff):
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
        default=64 * MIB, ge=MIB, description="above this, processing pauses until a commit"
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
    publish_values: bool = Field(
        default=True,
        description="publish the values of all pairs, each minute and session",
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
