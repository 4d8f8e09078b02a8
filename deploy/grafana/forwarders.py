"""Forwarders: do the events reach the web addresses they are posted to?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.panels import counts, curves, value
from deploy.grafana.promql import increase, rate, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import ALL_READY, ANY_IS_WORTH_A_LOOK, ANY_IS_WRONG, COUNT, SECONDS, SHARE
from deploy.grafana.variables import programs

_STEP = "$__rate_interval"


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="forwarders",
        title="Forwarders",
        description="For operators of `rotascope events forward`: are events accepted, repeated or given up?",
        variables=programs(shown=True),
        rows=(("In order?", _now()), ("Posts", _posts()), ("Kafka", _kafka())),
    )


def _now() -> tuple[builders.Panel, ...]:
    success = series("rotascope_forward_last_success_timestamp_seconds")
    return (
        value(
            "Forwarders ready",
            "Share of the forwarders that answer /readyz with 200.",
            now(f"avg({series('rotascope_forward_ready')})"),
            unit=SHARE,
            steps=ALL_READY,
            decimals=0,
        ),
        value(
            "Events waiting",
            "In the event topics and not yet accepted or given up, of all forwarders.",
            now(f"sum({series('rotascope_forward_lag_records')})"),
            unit=COUNT,
            decimals=0,
            missing="not known",
        ),
        value(
            "Since the last accepted event",
            "Of the forwarder that has waited longest. Without events it grows, too.",
            now(f"max(time() - {success})"),
            unit=SECONDS,
            decimals=0,
            missing="none yet",
        ),
        value(
            "Events given up",
            "In the time shown. They are in the topic of dead letters and do not reach the receiver.",
            now(increase("rotascope_forward_dead_letters_total")),
            unit=COUNT,
            steps=ANY_IS_WRONG,
            decimals=0,
        ),
        value(
            "Events lost to retention",
            "In the time shown: deleted from their topic before they were forwarded.",
            now(increase("rotascope_forward_deleted_records_total")),
            unit=COUNT,
            steps=ANY_IS_WRONG,
            decimals=0,
        ),
        value(
            "Kafka clients made anew",
            "In the time shown, because the old one did not answer.",
            now(increase("rotascope_forward_rejoins_total")),
            unit=COUNT,
            steps=ANY_IS_WORTH_A_LOOK,
            decimals=0,
        ),
    )


def _posts() -> tuple[builders.Panel, ...]:
    taken = rate("rotascope_forward_post_seconds_sum", "instance")
    posts = rate("rotascope_forward_post_seconds_count", "instance")
    return (
        counts(
            "Events done",
            "Events that need no more work, by what became of them.",
            [Query(increase("rotascope_forward_events_total", "outcome", over=_STEP), "{{outcome}}")],
        ),
        counts(
            "Posts repeated",
            "By what was wrong with them. The event is posted again until the receiver accepts it.",
            [Query(increase("rotascope_forward_retries_total", "cause", over=_STEP), "{{cause}}")],
        ),
        counts(
            "Given up, by reason",
            "Refused by the receiver five times, or no event at all.",
            [Query(increase("rotascope_forward_dead_letters_total", "reason", over=_STEP), "{{reason}}")],
        ),
        curves(
            "Time of a post",
            "Mean over all posts, whatever their outcome.",
            [Query(f"{taken} / {posts}", "{{instance}}")],
            unit=SECONDS,
            least=0.0,
        ),
    )


def _kafka() -> tuple[builders.Panel, ...]:
    return (
        counts(
            "Events waiting, by forwarder",
            "Between its place and the end of its topics.",
            [Query(f"max by (instance) ({series('rotascope_forward_lag_records')})", "{{instance}}")],
            width=8,
        ),
        counts(
            "Read and not done",
            "Held in memory until they are accepted or given up.",
            [Query(f"max by (instance) ({series('rotascope_forward_pending_records')})", "{{instance}}")],
            width=8,
        ),
        counts(
            "Commits and partitions",
            "Commits of the place by outcome, and partitions that a forwarder has.",
            [
                Query(
                    increase("rotascope_forward_commits_total", "outcome", over=_STEP), "commits {{outcome}}"
                ),
                Query(
                    f"max by (instance) ({series('rotascope_forward_partitions')})", "{{instance}} partitions"
                ),
            ],
            width=8,
        ),
    )
