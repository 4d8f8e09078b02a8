"""Pipeline: do the workers keep up, and is everything committed?"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.panels import curves, value
from deploy.grafana.pipeline_state import commits, exporter, membership, refused, restore
from deploy.grafana.promql import increase, quantile, rate, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    A_SECOND,
    ALL_READY,
    ANY_IS_WORTH_A_LOOK,
    ANY_IS_WRONG,
    BYTES_A_SECOND,
    COMMIT_AGE_SECONDS,
    COUNT,
    LAG_SECONDS,
    SECONDS,
    SHARE,
    SNAPSHOT_AGE_SECONDS,
)
from deploy.grafana.variables import programs

_LAG_SECONDS: Final = "rotascope_partition_lag_seconds"
_CLOCK: Final = "rotascope_partition_clock_timestamp_seconds"
# Over the time shown, so that the age of a live feed whose producer has died stays visible.
_LIVE_ONLY: Final = (
    "and on () (max(max_over_time("
    + series("rotascope_producer_source_info", 'mode="live"')
    + "[$__range])) == 1)"
)


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="pipeline",
        title="Pipeline",
        description="For operators: do the workers keep up, and is all of it committed?",
        variables=programs(shown=True),
        rows=(
            ("In order?", _now()),
            ("How far behind", _behind()),
            ("Throughput", _throughput()),
            ("Commits", commits()),
            ("Starting again: restore and snapshots", restore()),
            ("Group membership", membership()),
            ("What could not be processed", refused()),
            ("The exporter", exporter()),
        ),
    )


def _now() -> tuple[builders.Panel, ...]:
    commits = series("rotascope_worker_last_commit_timestamp_seconds")
    snapshots = series("rotascope_partition_snapshot_timestamp_seconds")
    return (
        value(
            "Workers ready",
            "Share of the workers that answer /readyz with 200. Below 100 % events of some pairs are late.",
            now(f"avg({series('rotascope_worker_ready')})"),
            unit=SHARE,
            steps=ALL_READY,
            decimals=0,
            width=3,
        ),
        value(
            "Workers",
            "Workers that are scraped.",
            now(f"count({series('rotascope_worker_ready')})"),
            unit=COUNT,
            decimals=0,
            width=2,
        ),
        value(
            "Behind",
            "The partition that is furthest behind: since when the last processed record has "
            "been in the log. Yellow from 30 seconds, red from 2 minutes.",
            now(f"max({series(_LAG_SECONDS)})"),
            unit=SECONDS,
            steps=LAG_SECONDS,
            decimals=1,
            width=3,
        ),
        value(
            "Records waiting",
            "In the log and not yet processed, of all partitions.",
            now(f"sum({series('rotascope_partition_lag_records')})"),
            unit=COUNT,
            decimals=0,
            width=3,
        ),
        value(
            "Last commit",
            "Age of the oldest worker's last commit. Commits also happen without ticks of "
            "the market; red from 5 minutes.",
            now(f"max(time() - {commits})"),
            unit=SECONDS,
            steps=COMMIT_AGE_SECONDS,
            decimals=0,
            width=3,
        ),
        value(
            "Failed commits",
            "In the time shown. A failed one is tried again; nothing is lost by it.",
            now(increase("rotascope_worker_commits_total", "", 'outcome!="committed"')),
            unit=COUNT,
            decimals=0,
            steps=ANY_IS_WORTH_A_LOOK,
            width=3,
        ),
        value(
            "Records set aside",
            "Records in the time shown that could not be processed and are in the topic of dead letters.",
            now(increase("rotascope_worker_poisoned_records_total")),
            unit=COUNT,
            decimals=0,
            steps=ANY_IS_WRONG,
            width=3,
        ),
        value(
            "Oldest snapshot",
            "Age of the oldest partition's latest snapshot. The older, the longer a restart takes.",
            now(f"max(time() - {snapshots})"),
            unit=SECONDS,
            steps=SNAPSHOT_AGE_SECONDS,
            decimals=0,
            width=4,
            missing="none yet",
        ),
    )


def _behind() -> tuple[builders.Panel, ...]:
    clock = f"min by (partition) ({series(_CLOCK)})"
    feeds = f"max({series('rotascope_producer_clock_timestamp_seconds')})"
    return (
        curves(
            "Seconds behind, by partition",
            "Since when the last processed record has been in the log; 0 at its end. Dashed: 30 seconds "
            "and 2 minutes.",
            [Query(f"max by (partition) ({series(_LAG_SECONDS)})", "{{partition}}")],
            unit=SECONDS,
            steps=LAG_SECONDS,
            least=0.0,
        ),
        curves(
            "Records behind, by partition",
            "Records in the log and not yet processed.",
            [Query(f"max by (partition) ({series('rotascope_partition_lag_records')})", "{{partition}}")],
            unit=COUNT,
            least=0.0,
        ),
        curves(
            "Market time behind, by partition",
            "Between the newest tick that was fetched and the partition's watermark: how much of the "
            "market has been read and not yet evaluated. A few seconds are usual.",
            [
                Query(
                    f"max by (partition) ({series('rotascope_partition_event_time_lag_seconds')})",
                    "{{partition}}",
                )
            ],
            unit=SECONDS,
            least=0.0,
            width=8,
        ),
        curves(
            "Watermark behind the feed",
            "Market time of the producer's last clock mark less that of the partition. When it grows, the "
            "worker does not keep up or the partition has no owner.",
            [Query(f"{feeds} - on () group_right () {clock}", "{{partition}}")],
            unit=SECONDS,
            width=8,
        ),
        curves(
            "Watermark age, live feeds only",
            "Wall clock less watermark. It grows while the market is closed, because nothing is sent. "
            "Absent for a recording, whose market time is in the past.",
            [Query(f"(time() - {clock}) {_LIVE_ONLY}", "{{partition}}")],
            unit=SECONDS,
            width=8,
        ),
    )


def _throughput() -> tuple[builders.Panel, ...]:
    progress = f"deriv({series('rotascope_partition_next_offset')}[$__rate_interval])"
    return (
        curves(
            "Ticks a second",
            "Processed by all workers, by instance. Ticks of benchmarks count once in every partition.",
            [Query(rate("rotascope_worker_ticks_total", "instance"), "{{instance}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Frames a second",
            "Records of the log processed, by instance.",
            [Query(rate("rotascope_worker_frames_total", "instance"), "{{instance}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Bytes a second",
            "Of these records.",
            [Query(rate("rotascope_worker_received_bytes_total", "instance"), "{{instance}}")],
            unit=BYTES_A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Ticks by outcome",
            "What became of the ticks of each source. Late ones came after their second was closed.",
            [
                Query(
                    f"{rate('rotascope_engine_records_total', 'source, outcome')} > 0",
                    "{{source}} {{outcome}}",
                )
            ],
            unit=A_SECOND,
            least=0.0,
        ),
        curves(
            "Bars and values a second",
            "Bars made, by their length, and frames of values.",
            [
                Query(rate("rotascope_worker_bars_total", "frequency"), "bars of {{frequency}}"),
                Query(rate("rotascope_worker_value_frames_total", ""), "frames of values"),
            ],
            unit=A_SECOND,
            least=0.0,
        ),
        curves(
            "Progress of each partition",
            "Records a second by which its place in the log moves. Zero with records waiting: it stands "
            "still.",
            [Query(f"max by (partition) ({progress})", "{{partition}}")],
            unit=A_SECOND,
        ),
        curves(
            "Gap between two polls",
            "Half of the gaps, and all but one in a hundred, are shorter. Long gaps make the group drop "
            "the worker.",
            [
                Query(quantile("rotascope_worker_poll_gap_seconds", 0.5), "half"),
                Query(quantile("rotascope_worker_poll_gap_seconds", 0.99), "99 of 100"),
            ],
            unit=SECONDS,
            least=0.0,
        ),
    )
