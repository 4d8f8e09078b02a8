"""Every query of the dashboards on a real Prometheus that scraped the demo, and what the panels show."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from producers.replay.demo import demo_daily
from tests.support.dashboards import (
    EVERYTHING,
    PanelQuery,
    annotation_queries,
    dashboards,
    panel_queries,
    variable_queries,
    variables,
)
from tests.support.scraped_demo import ScrapedDemo, scraped_demo
from tests.support.study_command import study

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(600)]

PAIR = "RUT/SPX"
LAST_DAY = "2024-07-17"
CLOSE = datetime(2024, 7, 17, 20, 0, tzinfo=UTC)

# Shown as nothing, each for its reason; every other query must return data over the demo's days.
EMPTY = {
    "events/Changes of state by definition/F": "nothing fades within the eight days",
    "events/Changes of state by definition/J": "nothing is revised within them",
    "pipeline/Oldest snapshot/A": "the demo is over before the first snapshot",
    "pipeline/Age of the latest snapshot/A": "the demo is over before the first snapshot",
    "pipeline/Size of the latest snapshot/A": "the demo is over before the first snapshot",
    "pipeline/Time to make a snapshot/A": "the demo is over before the first snapshot",
    "feeds/Delay of the feed/A": "a recording has no delay",
    "feeds/Delay of live feeds/A": "a recording has no delay",
    "pipeline/Watermark age, live feeds only/A": "a recording's market time is in the past",
    "feeds/Errors the vendor reported/A": "the replay server reports none",
    "instrument/Volume against its average/A": "an index has no volume",
    "instrument/Volume against its average/B": "an index has no volume",
    "instrument/Return for one basis point more of the yield/A": "the demo has no series of yields",
    "instrument/Return for one basis point more of the yield/B": "the demo has no series of yields",
    "instrument/Return for one basis point more of the yield/C": "the demo has no series of yields",
}
# There only while something waits.
MAYBE_EMPTY = {
    "feeds/Age of the oldest message waiting/A",
    "feeds/Age of the oldest record held/A",
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScrapedDemo]:
    with scraped_demo(tmp_path_factory.mktemp("scraped")) as demo:
        yield demo


def filled(query: PanelQuery, demo: ScrapedDemo) -> str:
    """The query with what a reader has chosen at first: all, or the one pair."""
    pair = variables(dashboards()[query.board]).get("pair", {})
    chosen = {
        "pair": ".+" if pair.get("multi") else PAIR,
        "__rate_interval": "8s",
        "__range": f"{int(demo.end_s - demo.start_s)}s",
    }
    return query.filled({**EVERYTHING, **chosen})


def answers(query: PanelQuery, demo: ScrapedDemo) -> list[dict[str, Any]]:
    """What the panel would have shown during the demo or after it."""
    text = filled(query, demo)
    if not query.instant:
        return demo.prometheus.over(text, demo.start_s, demo.end_s)
    return demo.prometheus.at(text, demo.playing_s) or demo.prometheus.at(text, demo.end_s)


def test_every_query_of_a_panel_returns_data(demo: ScrapedDemo) -> None:
    queries = [query for query in panel_queries() if str(query) not in MAYBE_EMPTY]
    empty = {str(query) for query in queries if not answers(query, demo)}
    # The demo starts no forwarder; tests/integration/test_forward.py reads what one exports.
    forwarders = {str(query) for query in queries if query.board == "forwarders"}
    assert forwarders
    assert empty == set(EMPTY) | forwarders
    assert len(queries) > 150


@pytest.mark.parametrize("query", variable_queries(), ids=str)
def test_every_variable_offers_something(query: PanelQuery, demo: ScrapedDemo) -> None:
    found = answers(query, demo)
    assert {each["metric"][query.panel] for each in found}


@pytest.mark.parametrize("query", annotation_queries(), ids=str)
def test_every_annotation_marks_something(query: PanelQuery, demo: ScrapedDemo) -> None:
    assert answers(query, demo)


# --- values ----------------------------------------------------------------------


@cache
def _query(board: str, panel: str, name: str) -> PanelQuery:
    (found,) = [q for q in panel_queries() if (q.board, q.panel, q.name) == (board, panel, name)]
    return found


def shown(demo: ScrapedDemo, board: str, panel: str, name: str = "A", **labels: str) -> float:
    """The value of a panel after the last session."""
    found = demo.prometheus.at(filled(_query(board, panel, name), demo), demo.end_s)
    (value,) = [
        float(each["value"][1])
        for each in found
        if all(each["metric"].get(label) == wanted for label, wanted in labels.items())
    ]
    return value


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, float]:
    """`study values` of the pair at the close of the demo's last session, from the closes that it ships."""
    directory = tmp_path_factory.mktemp("closes")
    files = {}
    for symbol in PAIR.split("/"):
        files[symbol] = directory / f"{symbol}.csv"
        rows = demo_daily().filter(symbol=symbol).rename({"session": "date"}).drop("symbol")
        rows.write_csv(files[symbol])
    answer = study("values", "--pair", PAIR, "--date", LAST_DAY, "--format", "json", bars=files)
    assert answer.code == 0, answer.err
    values: Mapping[str, float] = json.loads(answer.out)["values"]
    return values


STUDIED: list[tuple[str, str, str, dict[str, str], str]] = [
    ("rotation", "Lead or lag today", "A", {}, "relative_strength_1d_percent"),
    ("rotation", "First leg today", "A", {}, "return_1d_pct"),
    ("rotation", "Second leg today", "A", {}, "benchmark_return_1d_pct"),
    ("rotation", "How unusual today", "A", {}, "relative_return_zscore_1d"),
    ("rotation", "Rank in a year", "A", {}, "relative_percentile_21d"),
    ("rotation", "Strength line: first leg divided by second", "B", {}, "ratio"),
    ("rotation", "Lead or lag over time", "A", {"window": "5d"}, "relative_strength_5d_percent"),
    ("rotation", "Lead or lag over time", "A", {"window": "252d"}, "relative_strength_252d_percent"),
    ("rotation", "How unusual over time", "A", {"window": "21d"}, "relative_return_zscore_21d"),
    (
        "rotation",
        "All pairs: lead or lag, strongest of 21 sessions first",
        "C",
        {"pair": PAIR},
        "relative_strength_21d_percent",
    ),
    ("instrument", "Lead or lag over sessions", "A", {"window": "month"}, "relative_strength_month_percent"),
    ("instrument", "Strength rank", "A", {}, "strength_percentile"),
    ("instrument", "Trend of first leg", "A", {}, "trend_regime"),
    ("instrument", "RSI over 14 sessions", "A", {}, "rsi_14"),
    ("instrument", "RSI over 14 sessions", "B", {}, "ratio_rsi_14"),
    ("instrument", "Below the record", "A", {}, "drawdown_pct"),
    ("instrument", "Rise the first leg still needs", "B", {}, "catch_up_gap_pct"),
    ("instrument", "Beta", "A", {"window": "63d"}, "beta_63d"),
    ("instrument", "Correlation", "A", {"window": "63d"}, "correlation_63d"),
    ("instrument", "Volatility a year", "A", {"window": "21d"}, "realised_volatility_21d_pct"),
]


@pytest.mark.parametrize(
    ("board", "panel", "name", "labels", "key"), STUDIED, ids=[f"{each[1]}: {each[4]}" for each in STUDIED]
)
def test_a_panel_shows_what_study_computes_at_the_same_close(
    demo: ScrapedDemo,
    studied: Mapping[str, float],
    board: str,
    panel: str,
    name: str,
    labels: dict[str, str],
    key: str,
) -> None:
    assert shown(demo, board, panel, name, **labels) == pytest.approx(studied[key], rel=1e-6, abs=1e-9)


def test_the_figures_are_those_of_the_last_close(demo: ScrapedDemo) -> None:
    frequencies = {
        each["metric"]["frequency"]: float(each["value"][1]) / 1000
        for each in demo.prometheus.at(filled(_query("instrument", "Figures as of", "A"), demo), demo.end_s)
    }
    assert frequencies["1d"] == pytest.approx(CLOSE.timestamp(), abs=86_400)


ENDED = frozenset({"withdrawn", "faded", "resolved", "invalidated", "expired"})
OPEN = {"candidate": 1.0, "opened": 2.0, "confirmed": 3.0}


def last_states(demo: ScrapedDemo) -> dict[tuple[str, str], str]:
    """(pair, definition) → the state in which the topic's last event left it."""
    states: dict[tuple[str, str], str] = {}
    ordered = sorted(demo.run.events, key=lambda event: (event["knowable_time"], event["transition"]))
    for event in ordered:
        if event["state"] in OPEN or event["state"] in ENDED:
            states[event["pair"], event["definition"]] = event["state"]
    return states


def test_what_is_open_is_what_the_topic_left_open(demo: ScrapedDemo) -> None:
    found = demo.prometheus.at(filled(_query("rotation", "What is open now", "B"), demo), demo.end_s)
    table = {
        (each["metric"]["pair"], each["metric"]["definition"]): float(each["value"][1]) for each in found
    }
    states = last_states(demo)
    # An opening of a point definition ends at once: it has no state afterwards.
    lasting = {key: OPEN[state] for key, state in states.items() if state in OPEN and key in table}
    assert {key: table[key] for key in lasting} == lasting
    assert not {key for key, state in states.items() if state in ENDED} & set(table)
    assert len(lasting) > 5


@pytest.mark.parametrize("state", ["candidate", "withdrawn", "opened", "extended", "confirmed"])
def test_changes_of_state_are_those_of_the_topic(demo: ScrapedDemo, state: str) -> None:
    order = ["candidate", "withdrawn", "opened", "extended", "confirmed", "faded"]
    query = _query("events", "Changes of state by definition", "ABCDEF"[order.index(state)])
    table = {
        each["metric"]["definition"]: round(float(each["value"][1]))
        for each in demo.prometheus.at(filled(query, demo), demo.end_s)
    }
    told = Counter(event["definition"] for event in demo.run.events if event["state"] == state)
    assert table == dict(told)


def test_openings_are_those_of_the_topic(demo: ScrapedDemo) -> None:
    told = Counter(event["state"] for event in demo.run.events)
    # Prometheus extrapolates an increase to the ends of the stretch.
    assert shown(demo, "events", "Opened in the time shown") == pytest.approx(told["opened"], rel=0.03)
    rows = demo.prometheus.at(
        filled(_query("rotation", "How rare: openings in the time shown", "A"), demo), demo.end_s
    )
    assert sum(round(float(each["value"][1])) for each in rows) == told["opened"]


def test_the_opposite_day_is_marked(demo: ScrapedDemo) -> None:
    (query,) = [q for q in annotation_queries() if str(q) == "rotation/Days of opposite moves"]
    found = {each["metric"]["definition"]: each["metric"]["title"] for each in answers(query, demo)}
    assert found["opposite_day_up"] == "Up 3 % or more while the benchmark falls"


def test_nothing_waits_when_all_is_processed(demo: ScrapedDemo) -> None:
    assert shown(demo, "pipeline", "Records waiting") == 0
    assert shown(demo, "pipeline", "Behind") == 0
    assert shown(demo, "pipeline", "Workers ready") == 1
    assert shown(demo, "pipeline", "Workers") == 1
    assert shown(demo, "pipeline", "Records set aside") == 0
    assert shown(demo, "pipeline", "Failed commits") == 0


def test_the_watermark_has_reached_the_feed(demo: ScrapedDemo) -> None:
    query = filled(_query("pipeline", "Market time behind, by partition", "A"), demo)
    found = [float(each["value"][1]) for each in demo.prometheus.at(query, demo.end_s)]
    assert len(found) == demo.run.summary["partitions"]
    assert all(each >= 0 for each in found)


# --- files -----------------------------------------------------------------------


def test_prometheus_itself_parses_every_query(tmp_path: Path) -> None:
    """As rules, because promtool checks only those without a server."""
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is not installed: apt-get install prometheus", pytrace=False)
    queries = [*panel_queries(), *annotation_queries()]
    rules = [{"record": f"query:{number}", "expr": query.filled()} for number, query in enumerate(queries)]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))
    checked = subprocess.run(
        [program, "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{len(queries)} rules found" in checked.stdout
