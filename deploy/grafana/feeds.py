"""Feeds: do the producers receive, decode and deliver?"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.grafana.board import Board
from deploy.grafana.panels import curves, value
from deploy.grafana.promql import increase, rate, series
from deploy.grafana.queries import Query, now
from deploy.grafana.scales import (
    A_SECOND,
    ALL_READY,
    ANY_IS_WORTH_A_LOOK,
    ANY_IS_WRONG,
    BYTES,
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

_FEED: Final = 'feed=~"$feed"'


def board() -> Board:
    """Return the dashboard."""
    return Board(
        name="feeds",
        title="Feeds",
        description="For whoever runs Rotascope: is each feed connected, complete and in time, and does "
        "Kafka take what it sends?",
        variables=(*programs(shown=True), FEEDS),
        rows=(
            ("In order?", (*_now(), _table())),
            ("What comes in", _incoming()),
            ("What is missing or refused", _missing()),
            ("The queue", _queue()),
            ("Kafka", _kafka()),
        ),
    )


def _of(name: str, *matchers: str) -> str:
    return series(name, _FEED, *matchers)


def _by_feed(name: str, how: str = "max") -> str:
    return f"{how} by (feed) ({_of(name)})"


def _counted(name: str, *labels: str) -> str:
    return increase(name, ", ".join(("feed", *labels)), _FEED, over="$__rate_interval")


def _now() -> tuple[builders.Panel, ...]:
    return (
        value("Feeds streaming", "Share of the feeds that stream every requested symbol.",
              now(f"avg({_of('rotascope_producer_ready')})"), unit=SHARE, steps=ALL_READY, decimals=0),
        value("Longest silence", "Since the last message of any feed. A closed market is silent, too.",
              now(f"max(time() - {_of('rotascope_producer_last_message_timestamp_seconds')})"), unit=SECONDS,
              steps=SILENCE_SECONDS, decimals=0, missing="no message yet"),
        value("Delay of the feed", "Between a trade and its receipt, of live feeds. Yellow from 30 seconds.",
              now(f"max({_of('rotascope_producer_feed_delay_seconds')})"), unit=SECONDS, steps=LAG_SECONDS,
              decimals=2, missing="no live feed"),
        value("Symbols not confirmed",
              "Requested from the vendor and not confirmed by it: their trades are missing.",
              now(f"sum({_of('rotascope_producer_unconfirmed_symbols')})"), unit=COUNT, steps=ANY_IS_WRONG,
              decimals=0),
        value("Gaps in the time shown",
              "Marks that say: here trades are missing. Values are unknown until the next trade.",
              now(increase(
                  "rotascope_producer_gaps_total", "", _FEED)), unit=COUNT, steps=ANY_IS_WORTH_A_LOOK,
              decimals=0),
        value("Ticks lost in the time shown",
              "Dropped because Kafka was away for longer than the memory lasts.",
              now(increase("rotascope_producer_hold_dropped_ticks_total", "", _FEED)), unit=COUNT,
              steps=ANY_IS_WRONG, decimals=0),
    )  # fmt: skip


def _table() -> builders.Panel:
    silence = f"max by (feed) (time() - {_of('rotascope_producer_last_tick_timestamp_seconds')})"
    return merged(
        "Each feed",
        "Streaming: the session is subscribed. Complete: every requested symbol is streamed. Kafka: it "
        "acknowledges what is sent. Recorded: a replay, whose market time is in the past.",
        [
            TableColumn("Feed", "feed", width=140),
            TableColumn(
                        "Streaming", expression=_by_feed(
                                                         "rotascope_producer_connected",
                                                         "min"), texts=YES_NO),
            TableColumn("Complete", expression=_by_feed("rotascope_producer_ready", "min"), texts=YES_NO),
            TableColumn(
                        "Kafka", expression=_by_feed(
                                                     "rotascope_producer_broker_connected",
                                                     "min"), texts=YES_NO),
            TableColumn("Market", expression=_by_feed("rotascope_producer_session_open"), texts=SESSION),
            TableColumn("Recorded",
                   expression="max by (feed) (" + _of(
                                       "rotascope_producer_source_info", 'mode="recorded"') +
                                       ") or 0 * " + _by_feed("rotascope_producer_source_info"),
                   texts={"0": ("no", "green"), "1": ("yes", "yellow")}),
            TableColumn("Silent for",
                   expression=silence,
                   unit=SECONDS, steps=SILENCE_SECONDS, decimals=0),
        ],
        sorted_by="Feed",
        descending=False,
        height=6,
        missing="no feed",
    )  # fmt: skip


def _incoming() -> tuple[builders.Panel, ...]:
    silence = f"max by (feed) (time() - {_of('rotascope_producer_last_message_timestamp_seconds')})"
    return (
        curves("Messages a second", "Websocket messages received.",
               [Query(rate(
                      "rotascope_producer_messages_total",
                      "feed", _FEED), "{{feed}}")], unit=A_SECOND, width=8,
               least=0.0),
        curves("Ticks a second", "Ticks decoded and put into frames.",
               [Query(rate(
                      "rotascope_producer_ticks_total", "feed", _FEED), "{{feed}}")], unit=A_SECOND, width=8,
               least=0.0),
        curves("Items by outcome", "What became of the items in messages.",
               [Query(rate(
                      "rotascope_producer_items_total", "feed, outcome", _FEED), "{{feed}} {{outcome}}")],
               unit=A_SECOND, width=8, least=0.0),
        curves("Silence", "Seconds since the last message. Dashed: 30 seconds and 2 minutes.",
               [Query(silence, "{{feed}}")], unit=SECONDS, width=8, steps=SILENCE_SECONDS, least=0.0),
        curves("Delay of live feeds", "Between a trade and its receipt. Absent for a recording.",
               [Query(_by_feed("rotascope_producer_feed_delay_seconds"), "{{feed}}")], unit=SECONDS, width=8,
               steps=LAG_SECONDS, least=0.0),
        curves("Market time of the clock mark",
               "How fast the feed's clock moves: 1 for a live market, more for a replay, 0 while nothing "
               "comes.",
               [Query(f"max by (feed) (deriv({_of('rotascope_producer_clock_timestamp_seconds')}"
                      "[$__rate_interval]))", "{{feed}}")], unit="suffix: s/s", width=8),
    )  # fmt: skip


def _missing() -> tuple[builders.Panel, ...]:
    return (
        curves("Gaps", "Marks that say that trades are missing, by reason.",
               [Query(_counted(
                      "rotascope_producer_gaps_total", "reason"), "{{feed}} {{reason}}")], unit=COUNT,
               decimals=0, width=8, least=0.0),
        curves(
               "Refused", "Messages and ticks that could not be used, by reason. They are in the topic of "
                          "dead letters.",
               [Query(_counted(
                      "rotascope_producer_rejects_total", "reason"), "{{feed}} {{reason}}")], unit=COUNT,
               decimals=0, width=8, least=0.0),
        curves("Errors the vendor reported", "By the vendor's own code; empty when there was none.",
               [Query(_counted("rotascope_producer_vendor_errors_total", "code"), "{{feed}} {{code}}")],
               unit=COUNT, decimals=0, width=8, least=0.0),
        curves("Sessions opened again",
               "After a loss, by reason; and sessions ended because the channel was silent.",
               [Query(_counted("rotascope_producer_reconnects_total", "reason"), "{{feed}} {{reason}}"),
                Query(_counted("rotascope_producer_watchdog_timeouts_total"), "{{feed}} silent")], unit=COUNT,
               decimals=0, width=8, least=0.0),
        curves("Repeated trades, unknown conditions",
               "Repeats are dropped. A trade with an unknown condition moves no price.",
               [Query(_counted("rotascope_producer_repeated_ticks_total"), "{{feed}} repeated"),
                Query(_counted("rotascope_producer_unknown_conditions_total"), "{{feed}} unknown condition")],
               unit=COUNT, decimals=0, width=8, least=0.0),
        curves("Symbols not confirmed over time", "Requested and not confirmed by the vendor.",
               [Query(_by_feed(
                      "rotascope_producer_unconfirmed_symbols"), "{{feed}}")], unit=COUNT, decimals=0,
               width=8, least=0.0),
    )  # fmt: skip


def _queue() -> tuple[builders.Panel, ...]:
    oldest = f"max by (feed) (time() - {_of('rotascope_producer_queue_oldest_timestamp_seconds')})"
    return (
        curves("Messages waiting", "Received and not yet decoded.",
               [Query(_by_feed(
                      "rotascope_producer_queue_messages"), "{{feed}}")], unit=COUNT, decimals=0, width=8,
               least=0.0),
        curves("Age of the oldest message waiting", "Absent while none waits.",
               [Query(oldest, "{{feed}}")], unit=SECONDS, width=8, least=0.0),
        curves("Messages dropped, pauses",
               "Dropped because the queue was full; and how often the reader paused for it.",
               [Query(_counted("rotascope_producer_queue_dropped_messages_total"), "{{feed}} dropped"),
                Query(_counted("rotascope_producer_queue_pauses_total"), "{{feed}} pauses")], unit=COUNT,
               decimals=0, width=8, least=0.0),
    )  # fmt: skip


def _kafka() -> tuple[builders.Panel, ...]:
    held = f"max by (feed) (time() - {_of('rotascope_producer_held_oldest_timestamp_seconds')})"
    return (
        curves("Frames a second", "Acknowledged by the broker.",
               [Query(rate(
                      "rotascope_producer_frames_total", "feed", _FEED), "{{feed}}")], unit=A_SECOND, width=8,
               least=0.0),
        curves("Bytes in flight and held",
               "In flight: sent and not yet acknowledged. Held: everything not yet acknowledged.",
               [Query(_by_feed("rotascope_producer_in_flight_bytes"), "{{feed}} in flight"),
                Query(_by_feed(
                      "rotascope_producer_held_bytes"), "{{feed}} held")], unit=BYTES, width=8, least=0.0),
        curves("Age of the oldest record held", "Absent while none is held. Grows while Kafka is away.",
               [Query(held, "{{feed}}")], unit=SECONDS, width=8, least=0.0, steps=LAG_SECONDS),
        curves("Waits for acknowledgements",
               "Share of the time in which a send waited because too much was in flight.",
               [Query(rate("rotascope_producer_backpressure_seconds_total", "feed", _FEED), "{{feed}}")],
               unit=SHARE, width=8, least=0.0),
        curves("Waits, failures, clients made anew",
               "Waits for acknowledgements; frames not acknowledged; clients made anew. All are tried again.",
               [Query(_counted("rotascope_producer_backpressure_waits_total"), "{{feed}} waits"),
                Query(_counted("rotascope_producer_send_failures_total"), "{{feed}} failures"),
                Query(_counted("rotascope_producer_broker_reconnects_total"), "{{feed}} clients anew")],
               unit=COUNT, decimals=0, width=8, least=0.0),
        curves("Lost because Kafka was away",
               "Dropped when the memory for held records was full. A gap mark stands for them.",
               [Query(_counted("rotascope_producer_hold_dropped_frames_total"), "{{feed}} frames"),
                Query(_counted("rotascope_producer_hold_dropped_ticks_total"), "{{feed}} ticks"),
                Query(_counted(
                      "rotascope_producer_hold_dropped_dead_letters_total"), "{{feed}} dead letters")],
               unit=COUNT, decimals=0, width=8, least=0.0),
    )  # fmt: skip
