from __future__ import annotations

import pytest

from producers.replay.protocol import RequestRefused, Subscriptions, read_request


def test_subscriptions_add_up_and_are_told_whole() -> None:
    subscriptions = Subscriptions()
    subscriptions.add({"action": "subscribe", "trades": ["SPY"], "statuses": ["*"]})
    subscriptions.add({"action": "subscribe", "trades": ["IWM", "SPY"], "quotes": ["BRK.B"]})
    assert subscriptions.echo() == {
        "T": "subscription",
        "trades": ["SPY", "IWM"],
        "quotes": ["BRK.B"],
        "bars": [],
        "updatedBars": [],
        "dailyBars": [],
        "statuses": ["*"],
        "lulds": [],
        "corrections": ["SPY", "IWM"],
        "cancelErrors": ["SPY", "IWM"],
    }


def test_unsubscribing_takes_out_what_it_names() -> None:
    subscriptions = Subscriptions()
    subscriptions.add({"trades": ["SPY", "IWM"]})
    subscriptions.remove({"trades": ["SPY", "QQQ"]})
    assert subscriptions.echo()["trades"] == ["IWM"]
    assert not subscriptions.wants_trades_of("SPY")


def test_corrections_and_cancels_follow_the_trade_subscription() -> None:
    subscriptions = Subscriptions()
    subscriptions.add({"trades": ["SPY"]})
    assert subscriptions.wants({"T": "c", "S": "SPY"})
    assert subscriptions.wants({"T": "x", "S": "SPY"})
    assert not subscriptions.wants({"T": "x", "S": "IWM"})
    assert not subscriptions.wants({"T": "s", "S": "SPY"})
    assert not subscriptions.wants({"T": "zz", "S": "SPY"})


def test_wildcard_covers_every_symbol() -> None:
    subscriptions = Subscriptions()
    subscriptions.add({"trades": ["*"]})
    assert subscriptions.wants_trades_of("ANY")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"trades": "SPY"}, 400),
        ({"trades": ["spy"]}, 400),
        ({"trades": ["SP Y"]}, 400),
        ({"trades": [7]}, 400),
        ({"traders": ["SPY"]}, 400),
        ({"news": ["*"]}, 410),
        ({"trades": ["A", "B", "C", "D"]}, 405),
        ({"trades": ["A", "B"], "quotes": ["C", "D"]}, 405),
    ],
)
def test_refused_request_changes_nothing(request_: dict[str, object], code: int) -> None:
    subscriptions = Subscriptions(symbol_limit=3)
    subscriptions.add({"trades": ["A"]})
    before = subscriptions.echo()
    with pytest.raises(RequestRefused) as refused:
        subscriptions.add(request_)
    assert refused.value.code == code
    assert refused.value.error["code"] == code
    assert subscriptions.echo() == before


def test_symbols_of_bars_do_not_count_toward_the_limit() -> None:
    subscriptions = Subscriptions(symbol_limit=1)
    subscriptions.add({"trades": ["A"], "bars": ["B", "C"]})
    assert subscriptions.echo()["bars"] == ["B", "C"]


@pytest.mark.parametrize("message", [None, [], "auth", 7, {}, {"action": "dance"}, {"action": ["auth"]}])
def test_what_is_no_request_is_invalid_syntax(message: object) -> None:
    with pytest.raises(RequestRefused) as refused:
        read_request(message)
    assert refused.value.error == {"T": "error", "code": 400, "msg": "invalid syntax"}
