"""Log-in and subscription, without a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from core.model.errors import ConfigurationError, FeedError
from producers.feeds.alpaca.errors import ERROR_RULES, feed_error
from producers.feeds.alpaca.feed import SYMBOLS_PER_REQUEST, AlpacaHandshake
from producers.feeds.alpaca.settings import AlpacaSettings
from producers.feeds.base import Codec, Reply
from tests.support.feed_samples import INSTRUMENTS, alpaca_feed, instrument, trade, wire

CONNECTED = {"T": "success", "msg": "connected"}
AUTHENTICATED = {"T": "success", "msg": "authenticated"}


def error(code: int) -> dict[str, Any]:
    return {"T": "error", "code": code, "msg": "why"}


def say(handshake: AlpacaHandshake, message: dict[str, Any]) -> Reply:
    return handshake.receive(wire([message]))


def sent(reply: Reply) -> dict[str, Any]:
    (frame,) = reply.send
    assert isinstance(frame, str)
    decoded: dict[str, Any] = msgspec.json.decode(frame)
    return decoded


def logged_in(symbols: list[str]) -> tuple[AlpacaHandshake, Reply]:
    handshake = AlpacaHandshake("k", "s", symbols, Codec.JSON)
    say(handshake, CONNECTED)
    return handshake, say(handshake, AUTHENTICATED)


def serve(
    handshake: AlpacaHandshake, reply: Reply, refusal: Callable[[list[str], list[str]], int | None]
) -> tuple[list[str], list[FeedError]]:
    """Play the server until the handshake streams; `refusal` sees the wish and what is held."""
    held: list[str] = []
    notices: list[FeedError] = []
    while not handshake.streaming:
        wish = sent(reply)["trades"]
        code = refusal(wish, held)
        if code is None:
            held += wish
        answer = {"T": "subscription", "trades": held} if code is None else error(code)
        reply = say(handshake, answer)
        notices += reply.notices
    return held, notices


@pytest.mark.parametrize("codec", list(Codec))
def test_the_way_to_the_stream(codec: Codec) -> None:
    decode: Callable[[Any], object] = msgspec.json.decode if codec is Codec.JSON else msgspec.msgpack.decode
    handshake = alpaca_feed(codec).handshake()
    login = handshake.receive(wire([CONNECTED], codec))
    assert decode(login.send[0]) == {"action": "auth", "key": "key", "secret": "secret"}
    subscribe = handshake.receive(wire([AUTHENTICATED], codec))
    symbols = [each.symbol for each in INSTRUMENTS]
    assert decode(subscribe.send[0]) == {"action": "subscribe", "trades": symbols, "statuses": symbols}
    assert isinstance(subscribe.send[0], str) == (codec is Codec.JSON)
    assert not handshake.streaming
    echo = handshake.receive(wire([{"T": "subscription", "trades": symbols}], codec))
    assert (echo.send, echo.is_data) == ((), False)
    assert handshake.streaming


def test_many_symbols_are_asked_for_in_several_requests() -> None:
    symbols = [f"S{number}" for number in range(2 * SYMBOLS_PER_REQUEST + 1)]
    handshake, reply = logged_in(symbols)
    held, notices = serve(handshake, reply, lambda wish, held: None)
    assert held == symbols
    assert notices == []


def test_data_may_come_between_two_subscriptions() -> None:
    handshake, _ = logged_in([f"S{number}" for number in range(SYMBOLS_PER_REQUEST + 1)])
    say(handshake, {"T": "subscription", "trades": ["S0"]})
    assert not handshake.streaming
    assert say(handshake, trade()).is_data


def test_one_bad_symbol_is_found_and_left_out() -> None:
    symbols = [f"S{number}" for number in range(300)]
    handshake, reply = logged_in(symbols)
    held, notices = serve(handshake, reply, lambda wish, held: 400 if "S137" in wish else None)
    assert set(held) == set(symbols) - {"S137"}
    assert handshake.refused == ["S137"]
    assert ["S137" in notice.message for notice in notices] == [True]


def test_a_plans_limit_is_filled_in_order_of_the_universe() -> None:
    symbols = [f"S{number}" for number in range(700)]
    handshake, reply = logged_in(symbols)
    held, notices = serve(handshake, reply, lambda wish, held: 405 if len(held) + len(wish) > 30 else None)
    assert held == symbols[:30]
    assert handshake.refused == symbols[30:]
    (notice,) = notices
    assert (notice.code, notice.action) == (405, "ignore")
    assert "670 symbols excluded" in notice.message


def test_not_one_symbol_is_fatal() -> None:
    handshake, reply = logged_in(["A", "B"])
    with pytest.raises(FeedError, match="no symbol") as caught:
        serve(handshake, reply, lambda wish, held: 400)
    assert caught.value.action == "fatal"


@pytest.mark.parametrize("code", [402, 404, 406, 407, 409, 410, 411, 500, 999])
def test_errors_at_login_end_the_session_as_the_table_says(code: int) -> None:
    handshake = AlpacaHandshake("k", "s", ["A"], Codec.JSON)
    say(handshake, CONNECTED)
    with pytest.raises(FeedError) as caught:
        say(handshake, error(code))
    expected = ERROR_RULES[code].at_login if code in ERROR_RULES else "reconnect"
    assert (caught.value.action, caught.value.code) == (expected, code)


def test_a_wrong_key_is_fatal_and_says_what_to_check() -> None:
    failure = feed_error(402, "auth failed", streaming=False)
    assert (failure.action, failure.retriable) == ("fatal", False)
    assert "ROTASCOPE_ALPACA_KEY" in str(failure)


def test_subscribing_too_early_logs_in_once_more_and_only_once() -> None:
    handshake, _ = logged_in(["A"])
    assert sent(say(handshake, error(401)))["action"] == "auth"
    assert sent(say(handshake, AUTHENTICATED))["action"] == "subscribe"
    with pytest.raises(FeedError, match="401"):
        say(handshake, error(401))


def test_a_second_login_is_ignored_and_told() -> None:
    handshake, _ = logged_in(["A"])
    reply = say(handshake, error(403))
    assert (reply.send, [notice.code for notice in reply.notices]) == ((), [403])


def test_a_stranger_on_the_line_is_worth_another_try() -> None:
    handshake = AlpacaHandshake("k", "s", ["A"], Codec.JSON)
    with pytest.raises(FeedError, match="does not speak") as caught:
        handshake.receive(b"<html>")
    assert caught.value.action == "reconnect"


def test_the_secret_is_in_no_repr() -> None:
    settings = AlpacaSettings(url="wss://hush", key_id=SecretStr("hush"), secret_key=SecretStr("hush"))
    assert "hush" not in repr(settings)


def test_a_feed_without_instruments_cannot_be_used() -> None:
    with pytest.raises(ConfigurationError, match="no instrument of the universe"):
        alpaca_feed(instruments=())


def test_a_listing_exchange_this_feed_does_not_know_cannot_be_used() -> None:
    odd = (instrument(1, "IWM", listing="XNAS"),)
    with pytest.raises(ConfigurationError, match="listing exchange 'XNAS'"):
        alpaca_feed(instruments=odd)
