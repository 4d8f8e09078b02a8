"""What every feed of the registry promises, whatever its vendor sends."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.model.errors import ConfigurationError, FeedError
from core.model.records import PRICE_UNITS_PER_ONE, TICK, TickKind
from core.model.settings import Settings
from core.runtime.settings import PREFIX, collect_settings, variable_of
from deploy.kafka.needs import COMMANDS
from producers.feeds import FEEDS, feed_sections
from producers.feeds.base import MAX_REJECT_BYTES, Batch, Codec, Feed, MessageOutcome, RawMessage
from producers.feeds.settings import FeedSettings
from producers.ingest.cli import app
from producers.replay.demo import demo_recording
from producers.replay.wire import codec_for
from tests.support.feed_samples import INSTRUMENTS, NOON_NS, SOURCE, alpaca_feed, instrument, trade, wire

SYMBOLS = [each.symbol for each in INSTRUMENTS]

# One entry a feed: messages as the vendor writes them, from random choices.
Generator = Callable[[random.Random], dict[str, Any]]


def alpaca_message(choose: random.Random) -> dict[str, Any]:
    """Give any message of Alpaca's stream, most of them trades."""
    stamp = NOON_NS + choose.randrange(10**9)
    price = choose.randrange(1, 10**9) / 10**4
    letters = choose.sample(["@", " ", "I", "F", "6", "?"], choose.randrange(3))
    common = {"S": choose.choice(SYMBOLS), "x": choose.choice("PQDV"), "z": choose.choice("ABC"), "t": stamp}
    kinds: list[dict[str, Any]] = [
        {"T": "c", "oi": 1, "op": price, "os": 1, "oc": letters, "ci": 2, "cp": price, "cs": 3, "cc": [" "]},
        {"T": "x", "i": 7, "p": price, "s": 100, "a": "C"},
        {"T": "s", "sc": choose.choice("HTQ23"), "sm": "", "rc": "", "rm": ""},
        {"T": "q", "bp": 1.0},
        {"T": "success", "msg": "authenticated"},
        {"T": "subscription", "trades": SYMBOLS},
        {"T": "error", "code": choose.choice([405, 407, 500, 999]), "msg": "why"},
        {"T": "unheard of"},
    ]
    if choose.random() < 0.8:
        return trade(stamp, i=choose.randrange(2**64), p=price, s=choose.randrange(10**6), c=letters) | common
    return common | choose.choice(kinds)


URL = "ws://127.0.0.1:1/v2/sip"
GENERATORS: Mapping[str, Generator] = {"alpaca": alpaca_message}

feeds = pytest.mark.parametrize("name", sorted(FEEDS))
codecs = pytest.mark.parametrize("codec", list(Codec))


def section(name: str, codec: Codec) -> FeedSettings:
    """Give a feed's settings, with a text for everything that is secret."""
    model = FEEDS[name].settings
    keys = {key: "hush" for key in secrets_of(model)}
    return model.model_validate({"url": URL, "codec": codec, **keys})


def secrets_of(model: type[FeedSettings]) -> list[str]:
    return [key for key, field in model.model_fields.items() if "SecretStr" in str(field.annotation)]


def make(name: str, codec: Codec) -> Feed:
    return FEEDS[name].make(section(name, codec), SOURCE, INSTRUMENTS)


def items_of(batch: Batch) -> int:
    return sum(batch.outcomes.values())


def check(batch: Batch) -> None:
    """Hold a batch to what every batch promises."""
    assert batch.ticks.dtype == TICK
    assert len(batch.venues) == len(batch.ticks)
    assert batch.outcomes.get(MessageOutcome.REJECTED, 0) == len(batch.rejects)
    assert all(reject.reason and len(reject.payload) <= MAX_REJECT_BYTES for reject in batch.rejects)
    assert all(isinstance(notice, FeedError) for notice in batch.notices)
    ticks = batch.ticks
    assert set(ticks["source"].tolist()) <= {SOURCE.source_id}
    assert set(ticks["instrument_id"].tolist()) <= {each.instrument_id for each in INSTRUMENTS}
    priced = ticks[ticks["kind"] <= TickKind.CANCEL]
    assert (priced["price"] > 0).all()
    assert (ticks["size"] >= 0).all()
    assert (ticks["ts_event"] >= 0).all()


def test_every_feed_has_messages_to_be_tested_with() -> None:
    assert set(GENERATORS) == set(FEEDS)


@feeds
def test_a_section_has_defaults_and_refuses_unknown_keys(name: str) -> None:
    model = FEEDS[name].settings
    assert model().url.startswith("wss://")
    assert model.model_config["frozen"] is True
    assert model.model_config["extra"] == "forbid"
    assert all(field.description for field in model.model_fields.values())
    assert name not in Settings.model_fields


@feeds
def test_a_section_is_read_from_file_environment_and_flags(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'[{name}]\nurl = "wss://file"\nmax_message_bytes = 65536\ninsecure = false\n')
    monkeypatch.setenv(variable_of(name, "insecure"), "true")
    found = collect_settings(file, {name: {"url": "wss://flag", "codec": None}}, feed_sections())
    own = found.section(name, FEEDS[name].settings)
    assert (own.url, own.max_message_bytes, own.insecure) == ("wss://flag", 65_536, True)


@feeds
def test_a_section_names_the_nearest_key(name: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"[{name}]\nmax_message_byte = 65536\n")
    with pytest.raises(ConfigurationError, match="did you mean 'max_message_bytes'"):
        collect_settings(file, {}, feed_sections())
    file.write_text(f"[{name}x]\n")
    with pytest.raises(ConfigurationError, match=f"unknown section '{name}x'; did you mean '{name}'"):
        collect_settings(file, {}, feed_sections())


@feeds
def test_secrets_come_from_variables_and_are_never_shown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = FEEDS[name].settings
    assert set(model.variables.values()) == set(secrets_of(model))
    for variable in model.variables:
        assert variable.startswith(f"{PREFIX}{name.upper()}_")
        monkeypatch.setenv(variable, "hush")
    own = collect_settings(None, {}, feed_sections()).section(name, model)
    for key in secrets_of(model):
        assert getattr(own, key).get_secret_value() == "hush"
    assert "hush" not in repr(own) + own.model_dump_json()


@feeds
def test_without_credentials_there_is_no_feed(name: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        FEEDS[name].make(FEEDS[name].settings(), SOURCE, INSTRUMENTS)
    assert all(variable in str(refused.value) for variable in FEEDS[name].settings.variables)


@feeds
def test_the_command_line_lists_the_feed_with_its_keys_and_rights(name: str) -> None:
    listed = CliRunner().invoke(app, ["--help"]).stdout
    assert FEEDS[name].summary in listed
    assert FEEDS[name].summary.endswith(".")
    help_text = " ".join(CliRunner().invoke(app, [name, "--help"]).stdout.split())
    for variable in (variable_of(name, "url"), *FEEDS[name].settings.variables):
        assert variable in help_text
    assert f"produce {name}" in COMMANDS


@feeds
@codecs
def test_name_address_and_headers(name: str, codec: Codec) -> None:
    feed = make(name, codec)
    assert feed.name == name
    assert feed.url() == URL
    assert all(isinstance(value, str) for pair in feed.headers().items() for value in pair)
    assert feed.instruments == INSTRUMENTS
    assert not feed.handshake().streaming
    assert feed.handshake() is not feed.handshake()


@feeds
@given(st.integers(0, 2**32), st.integers(0, 40))
@settings(deadline=None)
def test_json_and_msgpack_say_the_same(name: str, seed: int, count: int) -> None:
    choose = random.Random(seed)
    messages = [GENERATORS[name](choose) for _ in range(count)]
    batches = [
        make(name, codec).parse([RawMessage(wire(messages, codec), seed)])
        for codec in (Codec.JSON, Codec.MSGPACK)
    ]
    for batch in batches:
        check(batch)
        assert items_of(batch) == count
    assert batches[0].ticks.tolist() == batches[1].ticks.tolist()
    assert batches[0].venues.tolist() == batches[1].venues.tolist()
    assert batches[0].outcomes == batches[1].outcomes
    assert [(n.code, n.action) for n in batches[0].notices] == [
        (n.code, n.action) for n in batches[1].notices
    ]


@feeds
@codecs
@given(st.integers(0, 2**32), st.lists(st.integers(0, 9), min_size=1, max_size=8))
@settings(deadline=None)
def test_how_messages_are_grouped_changes_nothing(
    name: str, codec: Codec, seed: int, sizes: Sequence[int]
) -> None:
    choose = random.Random(seed)
    groups = [[GENERATORS[name](choose) for _ in range(size)] for size in sizes]
    raw = [RawMessage(wire(group, codec), 5) for group in groups]
    together = make(name, codec).parse(raw)
    feed = make(name, codec)
    apart = [feed.parse([message]) for message in raw]
    alone = [feed.parse([RawMessage(wire([message], codec), 5)]) for group in groups for message in group]
    for parts in (apart, alone):
        ticks = np.concatenate([np.empty(0, TICK), *(part.ticks for part in parts)])
        assert ticks.tolist() == together.ticks.tolist()
        assert sum(map(items_of, parts)) == items_of(together) == sum(sizes)
        rejects = [reject for part in parts for reject in part.rejects]
        assert rejects == list(together.rejects)


@feeds
@codecs
@given(st.binary(max_size=300))
@settings(deadline=None)
def test_arbitrary_bytes_are_refused_and_counted(name: str, codec: Codec, junk: bytes) -> None:
    feed = make(name, codec)
    good = RawMessage(wire([trade()], codec), 1)
    batch = feed.parse([good, RawMessage(junk, 2), good])
    check(batch)
    assert len(batch.ticks) >= 2
    assert items_of(batch) >= 2
    if len(batch.ticks) == 2 and items_of(batch) == 2:
        # Nothing but an empty list of messages may leave no trace.
        assert junk.strip() in (b"[]", b"\x90") or junk[:1] in (b"\x90", b"\xdc", b"\xdd")


@feeds
@codecs
@given(st.integers(0, 2**32), st.data())
@settings(deadline=None, max_examples=200)
def test_damaged_messages_never_raise_and_never_vanish(
    name: str, codec: Codec, seed: int, data: st.DataObject
) -> None:
    choose = random.Random(seed)
    messages = [GENERATORS[name](choose) for _ in range(choose.randrange(1, 6))]
    damaged = bytearray(wire(messages, codec))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    batch = make(name, codec).parse([RawMessage(bytes(damaged), 1)])
    check(batch)
    # Either the list still has items and each has an end, or the whole message was refused once.
    assert items_of(batch) >= 1 or damaged[0] in b"[\x90\xdc\xdd" or damaged[0] == 0x90


@feeds
@codecs
@given(st.binary(max_size=80))
@settings(deadline=None)
def test_a_handshake_raises_nothing_but_feed_errors(name: str, codec: Codec, junk: bytes) -> None:
    handshake = make(name, codec).handshake()
    try:
        reply = handshake.receive(junk)
    except FeedError:
        return
    assert not handshake.streaming
    assert not reply.is_data


@codecs
def test_alpaca_reads_recorded_days_as_the_replay_server_writes_them(codec: Codec) -> None:
    """The replay's encoder is another program than ours: what it plays must come back tick by tick."""
    recording = demo_recording()
    instruments = tuple(
        instrument(number, symbol, listing=None) for number, symbol in enumerate(recording.symbols)
    )
    feed = alpaca_feed(codec, instruments=instruments)
    frames = codec_for(f"application/{codec}").trades(
        recording, recording.trades, range(0, len(recording), 256)
    )
    batch = feed.parse([RawMessage(frame, 9) for frame in frames])
    assert batch.outcomes == {MessageOutcome.ACCEPTED: len(recording), MessageOutcome.REJECTED: 0}
    assert len(recording) > 20_000
    for name in ("ts_event", "price", "trade_id"):
        assert np.array_equal(batch.ticks[name], recording.trades[name])
    assert np.array_equal(batch.ticks["size"], recording.trades["size"] * PRICE_UNITS_PER_ONE)
    assert np.array_equal(batch.ticks["instrument_id"], recording.trades["symbol"])
