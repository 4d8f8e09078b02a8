"""Feeds: do the producers receive, decode and deliver?"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.feed_queries import OF_FEED, by_feed, of_feed
from deploy.grafana.feeds_delivery import kafka, missing, queue
from deploy.grafana.panels import curves, value
from deploy.grafana.promql import increase, rate
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    A_SECOND,
    ALL_READY,
    ANY_IS_WORTH_A_LOOK,
    ANY_IS_WRONG,
    COUNT,
    LAG_SECONDS,
    SECONDS,
    SESSION,
    SHARE,
    SILENCE_SECONDS,
    YES_NO,
)
from deploy.grafana.tables import TableColumn, merged
from deploy.grafana.variables import FEEDS, programs


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="feeds",
        title="Feeds",
        description="For operators: is each feed connected, complete and in time, and does "
        "Kafka take what it sends?",
        variables=(*programs(shown=True), FEEDS),
        rows=(
            ("In order?", (*_now(), _table())),
            ("What comes in", _incoming()),
            ("What is missing or refused", missing()),
            ("The queue", queue()),
            ("Kafka", kafka()),
        ),
    )


def _now() -> tuple[builders.Panel, ...]:
    return (
        value(
            "Feeds streaming",
            "Share of the feeds that stream every requested symbol.",
            now(f"avg({of_feed('rotascope_producer_ready')})"),
            unit=SHARE,
            steps=ALL_READY,
            decimals=0,
        ),
        value(
            "Longest silence",
            "Since the last message of any feed. A closed market is silent, too.",
            now(f"max(time() - {of_feed('rotascope_producer_last_message_timestamp_seconds')})"),
            unit=SECONDS,
            steps=SILENCE_SECONDS,
            decimals=0,
            missing="no message yet",
        ),
        value(
            "Delay of the feed",
            "Between a trade and its receipt, of live feeds. Yellow from 30 seconds.",
            now(f"max({of_feed('rotascope_producer_feed_delay_seconds')})"),
            unit=SECONDS,
            steps=LAG_SECONDS,
            decimals=2,
            missing="no live feed",
        ),
        value(
            "Symbols not confirmed",
            "Requested from the vendor and not confirmed by it: their trades are missing.",
            now(f"sum({of_feed('rotascope_producer_unconfirmed_symbols')})"),
            unit=COUNT,
            steps=ANY_IS_WRONG,
            decimals=0,
        ),
        value(
            "Gaps in the time shown",
            "Marks that say: here trades are missing. Values are unknown until the next trade.",
            now(increase("rotascope_producer_gaps_total", "", OF_FEED)),
            unit=COUNT,
            steps=ANY_IS_WORTH_A_LOOK,
            decimals=0,
        ),
        value(
            "Ticks lost in the time shown",
            "Dropped because Kafka was away for longer than the memory lasts.",
            now(increase("rotascope_producer_hold_dropped_ticks_total", "", OF_FEED)),
            unit=COUNT,
            steps=ANY_IS_WRONG,
            decimals=0,
        ),
    )


def _table() -> builders.Panel:
    silence = f"max by (feed) (time() - {of_feed('rotascope_producer_last_tick_timestamp_seconds')})"
    return merged(
        "Each feed",
        "Streaming: the session is subscribed. Complete: every requested symbol is streamed. Kafka: it "
        "acknowledges what is sent. Recorded: a replay, whose market time is in the past.",
        [
            TableColumn("Feed", "feed", width=140),
            TableColumn("Streaming", expression=by_feed("rotascope_producer_connected", "min"), texts=YES_NO),
            TableColumn("Complete", expression=by_feed("rotascope_producer_ready", "min"), texts=YES_NO),
            TableColumn(
                "Kafka", expression=by_feed("rotascope_producer_broker_connected", "min"), texts=YES_NO
            ),
            TableColumn("Market", expression=by_feed("rotascope_producer_session_open"), texts=SESSION),
            TableColumn(
                "Recorded",
                expression="max by (feed) ("
                + of_feed("rotascope_producer_source_info", 'mode="recorded"')
                + ") or 0 * "
                + by_feed("rotascope_producer_source_info"),
                texts={"0": ("no", "green"), "1": ("yes", "yellow")},
            ),
            TableColumn("Silent for", expression=silence, unit=SECONDS, steps=SILENCE_SECONDS, decimals=0),
        ],
        sorted_by="Feed",
        descending=False,
        height=6,
        missing="no feed",
    )


def _incoming() -> tuple[builders.Panel, ...]:
    silence = f"max by (feed) (time() - {of_feed('rotascope_producer_last_message_timestamp_seconds')})"
    return (
        curves(
            "Messages a second",
            "Websocket messages received.",
            [Query(rate("rotascope_producer_messages_total", "feed", OF_FEED), "{{feed}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Ticks a second",
            "Ticks decoded and put into frames.",
            [Query(rate("rotascope_producer_ticks_total", "feed", OF_FEED), "{{feed}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Items by outcome",
            "What became of the items in messages.",
            [Query(rate("rotascope_producer_items_total", "feed, outcome", OF_FEED), "{{feed}} {{outcome}}")],
            unit=A_SECOND,
            width=8,
            least=0.0,
        ),
        curves(
            "Silence",
            "Seconds since the last message. Dashed: 30 seconds and 2 minutes.",
            [Query(silence, "{{feed}}")],
            unit=SECONDS,
            width=8,
            steps=SILENCE_SECONDS,
            least=0.0,
        ),
        curves(
            "Delay of live feeds",
            "Between a trade and its receipt. Absent for a recording.",
            [Query(by_feed("rotascope_producer_feed_delay_seconds"), "{{feed}}")],
            unit=SECONDS,
            width=8,
            steps=LAG_SECONDS,
            least=0.0,
        ),
        curves(
            "Market time of the clock mark",
            "How fast the feed's clock moves: 1 for a live market, more for a replay, 0 while nothing comes.",
            [
                Query(
                    f"max by (feed) (deriv({of_feed('rotascope_producer_clock_timestamp_seconds')}"
                    "[$__rate_interval]))",
                    "{{feed}}",
                )
            ],
            unit="suffix: s/s",
            width=8,
        ),
    )
