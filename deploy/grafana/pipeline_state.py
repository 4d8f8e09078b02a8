"""Pipeline, second half: commits, restore, membership, refusals, and the exporter itself."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.panels import counts, curves, time_line, value
from deploy.grafana.promql import increase, quantile, rate, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    A_SECOND,
    ACT,
    BYTES,
    COUNT,
    IN_ORDER,
    LAG_SECONDS,
    LOOK,
    PARTITION,
    SECONDS,
    SESSION,
    SHARE,
    SNAPSHOT_AGE_SECONDS,
)

_LAG_SECONDS: Final = "rotascope_partition_lag_seconds"
_CLOCK: Final = "rotascope_partition_clock_timestamp_seconds"
# Over the time shown, so that the age of a live feed whose producer has died stays visible.
_LIVE_ONLY: Final = (
    "and on () (max(max_over_time("
    + series("rotascope_producer_source_info", 'mode="live"')
    + "[$__range])) == 1)"
)


def commits() -> tuple[builders.Panel, ...]:
    """Return the panels of commits."""
    return (
        curves(
            "Commits a second",
            "By outcome. Failed ones are tried again.",
            [Query(rate("rotascope_worker_commits_total", "outcome"), "{{outcome}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Duration of a commit",
            "From the first send until the offsets are committed. Half of the commits, and all but one in "
            "a hundred, are shorter.",
            [
                Query(quantile("rotascope_worker_commit_duration_seconds", 0.5), "half"),
                Query(quantile("rotascope_worker_commit_duration_seconds", 0.99), "99 of 100"),
            ],
            unit=SECONDS,
            width=8,
            least=0.0,
        ),
        counts(
            "Commits without a response",
            "Each was looked up before anything was sent again; by what was found.",
            [
                Query(
                    increase("rotascope_worker_unknown_commits_total", "found", over="$__rate_interval"),
                    "{{found}}",
                )
            ],
            width=8,
        ),
        curves(
            "Records waiting for a commit",
            "Events, bars and chunks of snapshots in the outbox.",
            [Query(f"sum by (partition) ({series('rotascope_worker_outbox_records')})", "{{partition}}")],
            unit=COUNT,
            width=8,
            least=0.0,
        ),
        curves(
            "Bytes waiting for a commit",
            "When it keeps growing, the broker does not accept what is sent.",
            [Query(f"sum by (partition) ({series('rotascope_worker_outbox_bytes')})", "{{partition}}")],
            unit=BYTES,
            width=8,
            least=0.0,
        ),
        curves(
            "Seconds since the broker answered",
            "Of each worker. Dashed: 30 seconds and 2 minutes.",
            [
                Query(
                    "max by (instance) (time() - "
                    + series("rotascope_worker_broker_answer_timestamp_seconds")
                    + ")",
                    "{{instance}}",
                )
            ],
            unit=SECONDS,
            steps=LAG_SECONDS,
            width=8,
            least=0.0,
        ),
    )


def restore() -> tuple[builders.Panel, ...]:
    """Return the panels of restores and snapshots."""
    state = series("rotascope_partition_state", 'state="{0}"')
    numbered = " or ".join(
        f"{number} * ({state.replace('{0}', text)} == 1)" for number, (text, _) in PARTITION.items()
    )
    age = series("rotascope_partition_snapshot_timestamp_seconds")
    return (
        time_line(
            "State of each partition",
            "Assigned: its worker has not begun. Restoring: it replays the log without sending. "
            "Running: in order. No bar: no owner.",
            [Query(f"max by (partition) ({numbered})", "partition {{partition}}")],
            texts=PARTITION,
            width=16,
            height=9,
        ),
        curves(
            "Restored",
            "Share of the replay that is done; 100 % when running.",
            [Query(f"min by (partition) ({series('rotascope_partition_restore_ratio')})", "{{partition}}")],
            unit=SHARE,
            width=8,
            height=9,
            least=0.0,
        ),
        curves(
            "Age of the latest snapshot",
            "Dashed: half an hour and two hours. A restart replays the log from the snapshot on.",
            [Query(f"max by (partition) (time() - {age})", "{{partition}}")],
            unit=SECONDS,
            steps=SNAPSHOT_AGE_SECONDS,
            width=8,
            least=0.0,
        ),
        curves(
            "Size of the latest snapshot",
            "Compressed.",
            [Query(f"max by (partition) ({series('rotascope_partition_snapshot_bytes')})", "{{partition}}")],
            unit=BYTES,
            width=8,
            least=0.0,
        ),
        curves(
            "Time to make a snapshot",
            "From capturing the state until it was packed.",
            [
                Query(
                    f"max by (partition) ({series('rotascope_partition_snapshot_duration_seconds')})",
                    "{{partition}}",
                )
            ],
            unit=SECONDS,
            width=8,
            least=0.0,
        ),
        counts(
            "Snapshots written",
            "Within each step of the time shown, by instance.",
            [
                Query(
                    increase("rotascope_worker_snapshots_total", "instance", over="$__rate_interval"),
                    "{{instance}}",
                )
            ],
        ),
        curves(
            "Caught up since the start",
            "Share of the partitions that have reached the end the log had at their start.",
            [Query(f"avg by (instance) ({series('rotascope_partition_ready')})", "{{instance}}")],
            unit=SHARE,
            width=12,
            least=0.0,
        ),
    )


def membership() -> tuple[builders.Panel, ...]:
    """Return the panels of the consumer group."""
    return (
        curves(
            "Partitions by worker",
            "How many each worker owns. The sum must be the number of partitions of the topic.",
            [Query(f"count by (instance) ({series('rotascope_partition_state')} == 1)", "{{instance}}")],
            unit=COUNT,
            decimals=0,
            width=8,
            least=0.0,
            stacked=True,
        ),
        counts(
            "Rebalances",
            "Changes of the group, within each step of the time shown. Frequent ones delay events.",
            [
                Query(
                    increase("rotascope_worker_rebalances_total", "change", over="$__rate_interval"),
                    "{{change}}",
                )
            ],
            width=8,
        ),
        counts(
            "Members of the group",
            "1: a stable member of the group, or manual assignment. 0: not a member, or no broker.",
            [Query(f"min by (instance) ({series('rotascope_worker_joined')})", "{{instance}}")],
            width=8,
        ),
        counts(
            "Clients made anew, partitions sought again",
            "Repairs that a worker makes by itself. Now and then is harmless.",
            [
                Query(increase("rotascope_worker_rejoins_total", "", over="$__rate_interval"), "client anew"),
                Query(
                    increase("rotascope_worker_refetches_total", "", over="$__rate_interval"),
                    "partition sought again",
                ),
            ],
        ),
        counts(
            "Records dropped with their partition",
            "Not committed when the partition went; its next owner publishes them.",
            [
                Query(
                    increase("rotascope_worker_dropped_records_total", "reason", over="$__rate_interval"),
                    "{{reason}}",
                )
            ],
        ),
    )


def refused() -> tuple[builders.Panel, ...]:
    """Return the panels of refused records."""
    return (
        counts(
            "Dead letters",
            "Records and ticks set aside in rotascope.dead-letters, by reason.",
            [
                Query(
                    increase("rotascope_worker_dead_letters_total", "reason", over="$__rate_interval"),
                    "{{reason}}",
                )
            ],
        ),
        counts(
            "Values that are not known",
            "Of the exported pairs, by reason. Not ready: too little history yet. Stale: no trade for too "
            "long.",
            [Query(f"sum by (reason) ({series('rotascope_unknown_values')})", "{{reason}}")],
        ),
    )


def exporter() -> tuple[builders.Panel, ...]:
    """Return the panels of the exporter itself."""
    return (
        counts(
            "Series of pairs and events",
            "In the latest scrape of each worker. The bound is metrics.series_max.",
            [Query(f"max by (instance) ({series('rotascope_worker_series')})", "{{instance}}")],
            width=6,
        ),
        counts(
            "Pairs at home",
            "Pairs that each worker computes and exports.",
            [Query(f"max by (instance) ({series('rotascope_worker_pairs')})", "{{instance}}")],
            width=6,
        ),
        counts(
            "Pairs not shown",
            "Because of metrics.pairs_max or metrics.series_max. They are computed all the same.",
            [Query(f"sum by (reason) ({series('rotascope_worker_dropped_pairs')})", "{{reason}}")],
            width=6,
        ),
        curves(
            "Stall by a scrape",
            "How long the latest scrape held up the worker's loop. Dashed: 20 ms, the bound.",
            [Query(f"max by (instance) ({series('rotascope_worker_scrape_stall_seconds')})", "{{instance}}")],
            unit=SECONDS,
            width=6,
            least=0.0,
            steps=((None, IN_ORDER), (0.02, LOOK), (0.1, ACT)),
        ),
        value(
            "Version",
            "Of the workers. Two at once: an upgrade is under way.",
            now(
                f"max by (version, python) ({series('rotascope_build_info')})",
                "{{version}}, Python {{python}}",
            ),
            unit=COUNT,
            width=12,
            named=True,
            texts={"1": ("runs", IN_ORDER)},
        ),
        value(
            "Markets open",
            "By wall clock and calendar, whatever a recording plays.",
            now(f"max by (calendar) ({series('rotascope_session_open')})", "{{calendar}}"),
            unit=COUNT,
            width=12,
            named=True,
            texts=SESSION,
        ),
    )
