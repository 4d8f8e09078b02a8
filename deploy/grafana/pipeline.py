"""Pipeline: do the workers keep up, and is everything committed?"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.panels import curves, time_line, value
from deploy.grafana.promql import increase, quantile, rate, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    A_SECOND,
    ACT,
    ALL_READY,
    ANY_IS_WORTH_A_LOOK,
    ANY_IS_WRONG,
    BYTES,
    BYTES_A_SECOND,
    COMMIT_AGE_SECONDS,
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
        description="For whoever runs Rotascope: do the workers keep up, and is all of it committed?",
        variables=programs(shown=True),
        rows=(
            ("In order?", _now()),
            ("How far behind", _behind()),
            ("Throughput", _throughput()),
            ("Commits", _commits()),
            ("Starting again: restore and snapshots", _restore()),
            ("Group membership", _membership()),
            ("What could not be processed", _refused()),
            ("The exporter", _exporter()),
        ),
    )


def _now() -> tuple[builders.Panel, ...]:
    commits = series("rotascope_worker_last_commit_timestamp_seconds")
    snapshots = series("rotascope_partition_snapshot_timestamp_seconds")
    return (
        value("Workers ready", "Share of the workers that answer /readyz with 200. Below 100 % events of "
                               "some pairs are late.",
              now(f"avg({series('rotascope_worker_ready')})"), unit=SHARE, steps=ALL_READY, decimals=0,
              width=3),
        value("Workers", "Workers that are scraped.",
              now(f"count({series('rotascope_worker_ready')})"), unit=COUNT, decimals=0, width=2),
        value(
              "Behind", "The partition that is furthest behind: since when the last processed record has "
                        "been in the log. Yellow from 30 seconds, red from 2 minutes.",
              now(f"max({series(_LAG_SECONDS)})"), unit=SECONDS, steps=LAG_SECONDS, decimals=1, width=3),
        value("Records waiting", "In the log and not yet processed, of all partitions.",
              now(f"sum({series('rotascope_partition_lag_records')})"), unit=COUNT, decimals=0, width=3),
        value("Last commit", "Age of the oldest worker's last commit. Commits also happen without ticks of "
                             "the market; red from 5 minutes.",
              now(f"max(time() - {commits})"), unit=SECONDS, steps=COMMIT_AGE_SECONDS, decimals=0, width=3),
        value("Failed commits", "In the time shown. A failed one is tried again; nothing is lost by it.",
              now(increase("rotascope_worker_commits_total", "", 'outcome!="committed"')), unit=COUNT,
              decimals=0, steps=ANY_IS_WORTH_A_LOOK, width=3),
        value("Records set aside", "Records in the time shown that could not be processed and are in the "
                                   "topic of dead letters.",
              now(increase(
                  "rotascope_worker_poisoned_records_total")), unit=COUNT, decimals=0, steps=ANY_IS_WRONG,
              width=3),
        value("Oldest snapshot", "Age of the oldest partition's latest snapshot. The older, the longer a "
                                 "restart takes.",
              now(f"max(time() - {snapshots})"), unit=SECONDS, steps=SNAPSHOT_AGE_SECONDS, decimals=0,
              width=4,
              missing="none yet"),
    )  # fmt: skip


def _behind() -> tuple[builders.Panel, ...]:
    clock = f"min by (partition) ({series(_CLOCK)})"
    feeds = f"max({series('rotascope_producer_clock_timestamp_seconds')})"
    return (
        curves("Seconds behind, by partition",
               "Since when the last processed record has been in the log; 0 at its end. Dashed: 30 seconds "
               "and 2 minutes.",
               [Query(f"max by (partition) ({series(_LAG_SECONDS)})", "{{partition}}")], unit=SECONDS,
               steps=LAG_SECONDS, least=0.0),
        curves("Records behind, by partition", "Records in the log and not yet processed.",
               [Query(f"max by (partition) ({series('rotascope_partition_lag_records')})",
                      "{{partition}}")], unit=COUNT, least=0.0),
        curves("Market time behind, by partition",
               "Between the newest tick that was fetched and the partition's watermark: how much of the "
               "market has been read and not yet evaluated. A few seconds are usual.",
               [Query(f"max by (partition) ({series('rotascope_partition_event_time_lag_seconds')})",
                      "{{partition}}")], unit=SECONDS, least=0.0, width=8),
        curves("Watermark behind the feed",
               "Market time of the producer's last clock mark less that of the partition. When it grows, the "
               "worker does not keep up or the partition has no owner.",
               [Query(f"{feeds} - on () group_right () {clock}", "{{partition}}")], unit=SECONDS, width=8),
        curves("Watermark age, live feeds only",
               "Wall clock less watermark. It grows while the market is closed, because nothing is sent. "
               "Absent for a recording, whose market time is in the past.",
               [Query(f"(time() - {clock}) {_LIVE_ONLY}", "{{partition}}")], unit=SECONDS, width=8),
    )  # fmt: skip


def _throughput() -> tuple[builders.Panel, ...]:
    progress = f"deriv({series('rotascope_partition_next_offset')}[$__rate_interval])"
    return (
        curves("Ticks a second", "Processed by all workers, by instance. Ticks of benchmarks count once in "
                                 "every partition.",
               [Query(rate(
                      "rotascope_worker_ticks_total", "instance"), "{{instance}}")], unit=A_SECOND, width=8,
               least=0.0),
        curves("Frames a second", "Records of the log processed, by instance.",
               [Query(rate(
                      "rotascope_worker_frames_total", "instance"), "{{instance}}")], unit=A_SECOND, width=8,
               least=0.0),
        curves("Bytes a second", "Of these records.",
               [Query(rate("rotascope_worker_received_bytes_total", "instance"), "{{instance}}")],
               unit=BYTES_A_SECOND, width=8, least=0.0),
        curves("Ticks by outcome", "What became of the ticks of each source. Late ones came after their "
                                   "second was closed.",
               [Query(f"{rate('rotascope_engine_records_total', 'source, outcome')} > 0",
                      "{{source}} {{outcome}}")], unit=A_SECOND, least=0.0),
        curves("Bars a second", "Bars made, by their length.",
               [Query(rate("rotascope_worker_bars_total", "frequency"), "{{frequency}}")], unit=A_SECOND,
               least=0.0),
        curves("Progress of each partition",
               "Records a second by which its place in the log moves. Zero with records waiting: it stands "
               "still.",
               [Query(f"max by (partition) ({progress})",
                      "{{partition}}")], unit=A_SECOND),
        curves("Gap between two polls",
               "Half of the gaps, and all but one in a hundred, are shorter. Long gaps make the group drop "
               "the worker.",
               [Query(quantile("rotascope_worker_poll_gap_seconds", 0.5), "half"),
                Query(quantile("rotascope_worker_poll_gap_seconds", 0.99), "99 of 100")], unit=SECONDS,
               least=0.0),
    )  # fmt: skip


def _commits() -> tuple[builders.Panel, ...]:
    return (
        curves("Commits a second", "By outcome. Failed ones are tried again.",
               [Query(rate(
                      "rotascope_worker_commits_total", "outcome"), "{{outcome}}")], unit=A_SECOND, width=8,
               least=0.0),
        curves("Duration of a commit",
               "From the first send until the offsets are committed. Half of the commits, and all but one in "
               "a hundred, are shorter.",
               [Query(quantile("rotascope_worker_commit_duration_seconds", 0.5), "half"),
                Query(quantile("rotascope_worker_commit_duration_seconds", 0.99), "99 of 100")], unit=SECONDS,
               width=8, least=0.0),
        curves("Commits without a response",
               "Each was looked up before anything was sent again; by what was found.",
               [Query(increase("rotascope_worker_unknown_commits_total", "found", over="$__rate_interval"),
                      "{{found}}")], unit=COUNT, decimals=0, width=8, least=0.0),
        curves("Records waiting for a commit", "Events, bars and chunks of snapshots in the outbox.",
               [Query(f"sum by (partition) ({series('rotascope_worker_outbox_records')})", "{{partition}}")],
               unit=COUNT, width=8, least=0.0),
        curves("Bytes waiting for a commit",
               "When it keeps growing, the broker does not accept what is sent.",
               [Query(f"sum by (partition) ({series('rotascope_worker_outbox_bytes')})", "{{partition}}")],
               unit=BYTES, width=8, least=0.0),
        curves("Seconds since the broker answered", "Of each worker. Dashed: 30 seconds and 2 minutes.",
               [Query("max by (instance) (time() - "
                      + series("rotascope_worker_broker_answer_timestamp_seconds") + ")", "{{instance}}")],
               unit=SECONDS, steps=LAG_SECONDS, width=8, least=0.0),
    )  # fmt: skip


def _restore() -> tuple[builders.Panel, ...]:
    state = series("rotascope_partition_state", 'state="{0}"')
    numbered = " or ".join(
        f"{number} * ({state.replace('{0}', text)} == 1)" for number, (text, _) in PARTITION.items()
    )
    age = series("rotascope_partition_snapshot_timestamp_seconds")
    return (
        time_line("State of each partition",
                  "Assigned: its worker has not begun. Restoring: it replays the log without sending. "
                  "Running: in order. No bar: nobody owns it.",
                  [Query(f"max by (partition) ({numbered})", "partition {{partition}}")], texts=PARTITION,
                  width=16, height=9),
        curves("Restored", "Share of the replay that is done; 100 % when running.",
               [Query(f"min by (partition) ({series('rotascope_partition_restore_ratio')})",
                      "{{partition}}")],
               unit=SHARE, width=8, height=9, least=0.0),
        curves("Age of the latest snapshot",
               "Dashed: half an hour and two hours. A restart replays the log from the snapshot on.",
               [Query(f"max by (partition) (time() - {age})", "{{partition}}")], unit=SECONDS,
               steps=SNAPSHOT_AGE_SECONDS, width=8, least=0.0),
        curves("Size of the latest snapshot", "Compressed.",
               [Query(f"max by (partition) ({series('rotascope_partition_snapshot_bytes')})",
                      "{{partition}}")],
               unit=BYTES, width=8, least=0.0),
        curves("Time to make a snapshot", "From capturing the state until it was packed.",
               [Query(f"max by (partition) ({series('rotascope_partition_snapshot_duration_seconds')})",
                      "{{partition}}")], unit=SECONDS, width=8, least=0.0),
        curves("Snapshots written", "Within each step of the time shown, by instance.",
               [Query(increase("rotascope_worker_snapshots_total", "instance", over="$__rate_interval"),
                      "{{instance}}")], unit=COUNT, decimals=0, width=12, least=0.0),
        curves("Caught up since the start",
               "Share of the partitions that have reached the end the log had at their start.",
               [Query(f"avg by (instance) ({series('rotascope_partition_ready')})",
                      "{{instance}}")], unit=SHARE,
               width=12, least=0.0),
    )  # fmt: skip


def _membership() -> tuple[builders.Panel, ...]:
    return (
        curves("Partitions by worker",
               "How many each worker owns. The sum must be the number of partitions of the topic.",
               [Query(f"count by (instance) ({series('rotascope_partition_state')} == 1)", "{{instance}}")],
               unit=COUNT, decimals=0, width=8, least=0.0, stacked=True),
        curves(
               "Rebalances", "Changes of the group, within each step of the time shown. Frequent ones delay "
                             "events.",
               [Query(increase("rotascope_worker_rebalances_total", "change", over="$__rate_interval"),
                      "{{change}}")], unit=COUNT, decimals=0, width=8, least=0.0),
        curves("Members of the group",
               "1: a stable member, or partitions given by hand. 0: not, or no broker.",
               [Query(f"min by (instance) ({series('rotascope_worker_joined')})",
                      "{{instance}}")], unit=COUNT,
               decimals=0, width=8, least=0.0),
        curves("Clients made anew, partitions sought again",
               "Repairs that a worker makes by itself. Now and then is harmless.",
               [Query(increase("rotascope_worker_rejoins_total", "", over="$__rate_interval"), "client anew"),
                Query(increase("rotascope_worker_refetches_total", "", over="$__rate_interval"),
                      "partition sought again")], unit=COUNT, decimals=0, least=0.0),
        curves("Records dropped with their partition",
               "Not committed when the partition went; its next owner publishes them.",
               [Query(increase("rotascope_worker_dropped_records_total", "reason", over="$__rate_interval"),
                      "{{reason}}")], unit=COUNT, decimals=0, least=0.0),
    )  # fmt: skip


def _refused() -> tuple[builders.Panel, ...]:
    return (
        curves("Dead letters", "Records and ticks set aside in rotascope.dead-letters, by reason.",
               [Query(increase("rotascope_worker_dead_letters_total", "reason", over="$__rate_interval"),
                      "{{reason}}")], unit=COUNT, decimals=0, least=0.0),
        curves("Values that are not known",
               "Of the exported pairs, by reason. Not ready: too little history yet. Stale: no trade for too "
               "long.",
               [Query(f"sum by (reason) ({series('rotascope_unknown_values')})", "{{reason}}")], unit=COUNT,
               decimals=0, least=0.0),
    )  # fmt: skip


def _exporter() -> tuple[builders.Panel, ...]:
    return (
        curves("Series of pairs and events",
               "In the latest scrape of each worker. The bound is metrics.series_max.",
               [Query(f"max by (instance) ({series('rotascope_worker_series')})",
                      "{{instance}}")], unit=COUNT,
               decimals=0, width=6, least=0.0),
        curves("Pairs at home", "Pairs that each worker computes and exports.",
               [Query(f"max by (instance) ({series('rotascope_worker_pairs')})", "{{instance}}")], unit=COUNT,
               decimals=0, width=6, least=0.0),
        curves("Pairs not shown", "Because of metrics.pairs_max or metrics.series_max. They are computed all "
                                  "the same.",
               [Query(f"sum by (reason) ({series('rotascope_worker_dropped_pairs')})", "{{reason}}")],
               unit=COUNT, decimals=0, width=6, least=0.0),
        curves("Stall by a scrape", "How long the latest scrape held up the worker's loop. Dashed: 20 ms, "
                                    "the bound.",
               [Query(f"max by (instance) ({series('rotascope_worker_scrape_stall_seconds')})",
                      "{{instance}}")],
               unit=SECONDS, width=6, least=0.0, steps=((None, IN_ORDER), (0.02, LOOK), (0.1, ACT))),
        value("Version", "Of the workers. Two at once: an upgrade is under way.",
              now(f"max by (version, python) ({series('rotascope_build_info')})",
                  "{{version}}, Python {{python}}"), unit=COUNT, width=12, named=True,
              texts={"1": ("runs", IN_ORDER)}),
        value("Markets open", "By wall clock and calendar, whatever a recording plays.",
              now(f"max by (calendar) ({series('rotascope_session_open')})",
                  "{{calendar}}"), unit=COUNT, width=12,
              named=True, texts=SESSION),
    )  # fmt: skip
