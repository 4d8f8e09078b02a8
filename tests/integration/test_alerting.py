"""Alerts on the real thing: Kafka, replay, producer, two workers, Prometheus, Alertmanager, a webhook."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from core.runtime.files import UNIVERSE, read_text
from deploy.kafka.broker import LocalKafka
from deploy.prometheus.market_rules import EVENT_ALERT
from tests.support.kafka_broker import TEST_PARTITIONS
from tests.support.live_vendor import LiveVendor
from tests.support.monitoring import Prometheus, alertmanager, prometheus, wait_for, webhook
from tests.support.program import StartedProgram
from tests.support.prometheus_rules import rules_of, selectors
from tests.support.scrape import metrics_port
from tests.support.shipped_monitoring import Shipped
from tests.support.webhook_receiver import WebhookReceiver
from tests.support.worker_process import WorkerProcess

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(900)]

KEYS = {f"ROTASCOPE_{who}_{what}": "replay" for who in ("ALPACA", "REPLAY") for what in ("KEY", "SECRET")}
SPEED = "6000"
DEADLINE_S = 240.0
UNSEEN = frozenset(
    {
        "rotascope_producer_rejects_total",  # reasons are the vendor's, so there is none before the first
        "rotascope_producer_feed_delay_seconds",  # absent for a recording
    }
)


def run(*arguments: str) -> None:
    with StartedProgram(*arguments) as program:
        assert program.wait(DEADLINE_S) == 0, program.errors


def warm_start(reach: list[str], directory: Path) -> None:
    run("replay", "history", str(directory))
    history = [f"--history={symbol}={directory / symbol}.csv" for symbol in ("RUT", "SPX")]
    run("backfill", *reach, *history, "--history-until", "2024-07-05")


def up(server: Prometheus) -> list[str]:
    return [sample["value"][1] for sample in server.query("up")]


def metrics_of_rules(shipped: Shipped) -> set[str]:
    files = [*(shipped.directory / "rules").glob("*.yml"), *(shipped.directory / "market").glob("*.yml")]
    return {
        name
        for rule in rules_of(files)
        for name, _ in selectors(rule.expression)
        if name.startswith("rotascope_")
    }


def test_the_eight_days_raise_no_alert_but_that_of_the_opposite_day(
    kafka_with_topics: LocalKafka, tmp_path: Path
) -> None:
    reach = ["--bootstrap-servers", kafka_with_topics.bootstrap_servers, "--partitions", str(TEST_PARTITIONS)]
    consume = [*reach, "--group-id", "alerting"]
    fast = {"ROTASCOPE_WORKER__SNAPSHOT_INTERVAL_MS": "500"}
    shipped = Shipped(tmp_path)
    market = shipped.directory / "market" / "opposite.yml"
    run("alerts", "rules", "--definition", "opposite_day_up", "--pair", "RUT/SPX", "--out", str(market))
    warm_start(reach, tmp_path / "history")
    with (
        webhook() as hook,
        WebhookReceiver() as receiver,
        WorkerProcess(*consume, environment=fast) as first,
        WorkerProcess(*consume, environment=fast) as second,
        StartedProgram(
            "events", "forward", "--to", receiver.url, "--metrics-port", "0", *reach[:2]
        ) as forwarder,
    ):
        shipped.receivers(hook.port)
        shipped.targets("forwarders", [metrics_port(forwarder)])
        workers = [int(worker.url("").rpartition(":")[2]) for worker in (first, second)]
        shipped.targets("workers", workers)
        for worker in (first, second):
            worker.wait_until_ready()
        with alertmanager(shipped.alertmanager, tmp_path / "alertmanager") as port:
            shipped.targets("alertmanagers", [port])
            with prometheus(shipped.prometheus, tmp_path / "data") as server:
                wait_for(lambda: up(server) == ["1"] * 3, what="workers and forwarder up")
                _play(reach, shipped, server)
                alert = wait_for(
                    lambda: hook.alerts("/market", "firing", EVENT_ALERT), DEADLINE_S, what="market alert"
                )[0]
                wait_for(lambda: up(server).count("1") == 3, what="the producer has ended")
                _require_silence(server, seconds=10)
                _require_data(server, shipped)
    assert alert["labels"]["pair"] == "RUT/SPX"
    assert alert["labels"]["definition"] == "opposite_day_up"
    assert alert["annotations"]["summary"] == "RUT/SPX: Up 3 % or more while the benchmark falls"
    assert "opened on RUT/SPX at 2024-07-11 " in alert["annotations"]["description"]
    assert {where for where, _ in hook.posted} == {"/market"}, "no operator was told of anything"
    assert len({post.headers["ce-id"] for post in receiver.posts}) > 50


def _play(reach: list[str], shipped: Shipped, server: Prometheus) -> None:
    """Play the eight days, and see every target up meanwhile."""
    serve = ["replay", "serve", "bars", "--port", "0", "--speed", SPEED]
    with StartedProgram(*serve, environment=KEYS) as replay:
        url = re.search(r"ws://\S+", replay.said("listening on"))
        assert url is not None
        produce = ["produce", "alpaca", "--url", url[0], *reach, "--clock", "recorded", "--metrics-port", "0"]
        with StartedProgram(*produce, environment=KEYS) as producer:
            shipped.targets("producers", [metrics_port(producer)])
            wait_for(lambda: up(server) == ["1"] * 4, what="every target up")
            assert producer.wait(DEADLINE_S) == 0, producer.errors


def _require_silence(server: Prometheus, *, seconds: int) -> None:
    """Nothing has fired but news of the market, and of the last seconds nothing even waits to fire."""
    assert server.query('count_over_time(ALERTS{alertstate="firing",severity!="market"}[15m])') == []
    time.sleep(seconds)
    assert server.query(f'count_over_time(ALERTS{{severity!="market"}}[{seconds}s])') == []


def _require_data(server: Prometheus, shipped: Shipped) -> None:
    """Every rule was evaluated without an error, and what it selects was there."""
    rules = [rule for group in server.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) >= len(rules_of())
    assert {rule["health"] for rule in rules} == {"ok"}, [rule for rule in rules if rule["health"] != "ok"]
    unseen = {
        name for name in metrics_of_rules(shipped) if not server.query(f"count(last_over_time({name}[15m]))")
    }
    assert unseen <= UNSEEN


def test_a_mute_feed_is_told_to_operators_and_resolves(kafka_with_topics: LocalKafka, tmp_path: Path) -> None:
    """The shipped bound of 60 s; `for` and the group's interval are shortened: it would take ten minutes."""
    universe = tmp_path / "universe.toml"
    universe.write_text(read_text(None, UNIVERSE).replace('calendar = "XNYS"', 'calendar = "24/7"'))
    shipped = Shipped(tmp_path)
    shipped.wait_less({"RotascopeFeedMute": "2s"})
    name = "RotascopeFeedMute"
    with webhook() as hook, LiveVendor(("SPY", "QQQ")).running() as vendor:
        shipped.receivers(hook.port, group_interval="1s")
        produce = [
            "produce", "alpaca", "--url", vendor.url, "--codec", "json", "--universe", str(universe),
            "--bootstrap-servers", kafka_with_topics.bootstrap_servers, "--partitions", str(TEST_PARTITIONS),
            "--metrics-port", "0",
        ]  # fmt: skip
        with (
            StartedProgram(*produce, environment=KEYS) as producer,
            alertmanager(shipped.alertmanager, tmp_path / "alertmanager") as port,
        ):
            shipped.targets("producers", [metrics_port(producer)])
            shipped.targets("alertmanagers", [port])
            with prometheus(shipped.prometheus, tmp_path / "data") as server:
                ticks = "rate(rotascope_producer_ticks_total[10s]) > 0"
                wait_for(lambda: server.query(ticks), what="trades come")
                assert hook.alerts("/operators", "firing", name) == []
                vendor.muted.set()
                fired = wait_for(lambda: hook.alerts("/operators", "firing", name), DEADLINE_S, what="alert")[
                    0
                ]
                vendor.muted.clear()
                resolved = wait_for(
                    lambda: hook.alerts("/operators", "resolved", name), DEADLINE_S, what="resolved"
                )
            producer.terminate()
            assert producer.wait() == 0, producer.errors
    assert fired["labels"]["severity"] == "critical"
    assert fired["labels"]["feed"] == "alpaca"
    assert fired["annotations"]["summary"] == "The feed alpaca sends no trades"
    assert fired["annotations"]["runbook_url"] == "docs/runbook.md#rotascopefeedmute"
    assert len(resolved) >= 1
