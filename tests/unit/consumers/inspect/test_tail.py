"""`rotascope events tail`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from consumers.inspect import tail
from core.events.events import Event, encode_data, event_key, kafka_headers, topic_of
from core.kafka.records import Record
from tests.support.ports import free_port
from tests.support.sample_events import NO_EARLIER_CASE, candidate, opposite_day, strength
from tests.support.tail_command import ALL_EVENT_TOPICS, TailCommand


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> TailCommand:
    return TailCommand(monkeypatch)


def stored(event: Event, *, offset: int = 0, **changes: Any) -> Record:
    """An event as it is in its topic."""
    fields: dict[str, Any] = {
        "topic": topic_of(event),
        "partition": 0,
        "offset": offset,
        "key": event_key(event),
        "value": encode_data(event),
        "headers": tuple(kafka_headers(event)),
        "timestamp_ms": 0,
    }
    return Record(**fields | changes)


def test_json_lines_are_the_data_of_the_events(command: TailCommand) -> None:
    events = [candidate(), opposite_day(), strength()]
    result = command.run("events", "tail", "--format", "json", records=[stored(event) for event in events])
    assert result.exit_code == 0
    assert result.stdout.encode() == b"".join(encode_data(event) + b"\n" for event in events)
    assert result.stderr == ""
    assert command.reader.closed
    assert command.reader.read_with == {
        "topics": tuple(ALL_EVENT_TOPICS),
        "from_beginning": True,
        "until_end": False,
    }


def test_the_table_tells_the_story_in_aligned_lines(command: TailCommand) -> None:
    events = [opposite_day(), strength(quality="gap"), opposite_day(first_since=NO_EARLIER_CASE)]
    result = command.run("events", "tail", records=[stored(event) for event in events])
    head, first, second, third = result.stdout.splitlines()
    for title, word in (
        ("PAIR", "RUT/SPX"),
        ("STATE", "opened"),
        ("EVENT TIME", "2024-07-11"),
        ("VALUES", "bench"),
    ):
        assert first.index(word, head.index(title)) == head.index(title)
    assert first.endswith(
        "benchmark_return -0.876 %; instrument_return 3.572 %; spread 4.448 pp; "
        "first since 2008-10-10 (history from 1990-01-02)"
    )
    assert second.endswith("spread unknown (gap); spread_zscore 4.25; quality gap")
    assert third.endswith("none since 1990-01-02")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--family", "divergence"], ["candidate", "opened"]),
        (["--family", "divergence", "--family", "relative-strength"], ["candidate", "opened", "opened"]),
        (["--state", "candidate"], ["candidate"]),
        (["--state", "candidate", "--state", "opened"], ["candidate", "opened", "opened"]),
        (["--definition", "spread_z_15m"], ["opened"]),
        (["--pair", "RUT/SPX", "--state", "opened"], ["opened"]),
        (["--max", "2"], ["candidate", "opened"]),
    ],
)
def test_options_choose_events(command: TailCommand, arguments: list[str], shown: list[str]) -> None:
    records = [stored(event) for event in (candidate(), opposite_day(), strength())]
    result = command.run("events", "tail", "--format", "json", *arguments, records=records)
    assert result.exit_code == 0
    assert [json.loads(line)["state"] for line in result.stdout.splitlines()] == shown


def test_nothing_found_is_said(command: TailCommand) -> None:
    result = command.run(
        "events", "tail", "--pair", "IWM/QQQ", "--until-end", records=[stored(opposite_day())]
    )
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "note: no events matched\n")
    assert command.reader.read_with["until_end"] is True


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": b"{not json"}, "not JSON: "),
        ({"value": b"\xff\xfe"}, "not JSON: "),
        ({"value": b'{"values": NaN}'}, "not JSON: "),
        ({"value": b"[]"}, "[] is not of type 'object'"),
        ({"value": b"{}"}, "is a required property"),
        ({"value": encode_data(strength())}, "'divergence' was expected"),
        ({"headers": ()}, "not a CloudEvent in binary content mode: "),
        (
            {"headers": tuple(kafka_headers(strength()))},
            "event:relative-strength:2 is not the one this version reads",
        ),
        ({"headers": (*kafka_headers(opposite_day()), ("ce_id", b"\xff"))}, "ce_id: "),
    ],
)
def test_what_is_no_event_is_named_and_left_out(
    command: TailCommand, changes: dict[str, Any], reason: str
) -> None:
    records = [stored(opposite_day(), offset=17, **changes), stored(candidate(), offset=18)]
    result = command.run("events", "tail", "--format", "json", records=records)
    assert result.exit_code == 1
    assert [json.loads(line)["state"] for line in result.stdout.splitlines()] == ["candidate"]
    warning, note = result.stderr.splitlines()
    assert warning.startswith("warning: rotascope.events.divergence/0@17: ")
    assert reason in warning
    assert note == "note: invalid records skipped: 1; exit status 1"


def test_ctrl_c_is_a_good_end(command: TailCommand) -> None:
    records = [stored(opposite_day())]
    result = command.run("events", "tail", "--format", "json", records=records, ending=KeyboardInterrupt())
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert result.stderr == ""
    assert command.reader.closed


def test_ctrl_c_does_not_hide_what_was_left_out(command: TailCommand) -> None:
    records = [stored(opposite_day(), value=b"")]
    result = command.run("events", "tail", records=records, ending=KeyboardInterrupt())
    assert result.exit_code == 1
    assert "note: invalid records skipped: 1" in result.stderr


def test_a_topic_that_was_asked_for_must_be_there(command: TailCommand) -> None:
    topics = ["rotascope.events.divergence"]
    result = command.run("events", "tail", "--family", "level", "--family", "divergence", topics=topics)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "error: topic 'rotascope.events.level' does not exist on 127.0.0.1:9092",
        "Operator action: create the topics with 'rotascope topics apply', or check the address",
    ]


def test_families_that_nobody_asked_for_may_be_missing(command: TailCommand) -> None:
    result = command.run(
        "events", "tail", records=[stored(opposite_day())], topics=["rotascope.events.divergence"]
    )
    assert result.exit_code == 0
    assert command.reader.read_with["topics"] == ("rotascope.events.divergence",)


def test_a_broker_without_any_topic_of_ours_is_an_error(command: TailCommand) -> None:
    result = command.run("events", "tail", topics=[])
    assert result.exit_code == 1
    assert "error: topic 'rotascope.events." in result.stderr


@pytest.mark.parametrize("extra", [[], ["--embedded"]])
def test_no_broker_is_a_clear_error_at_once(extra: list[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    result = CliRunner().invoke(tail.app, ["events", "tail", "--bootstrap-servers", address, *extra])
    assert result.exit_code == 1
    message, action = result.stderr.splitlines()
    assert message.startswith(f"error: no broker at {address} within ")
    assert action.startswith("Operator action: ")


@pytest.mark.parametrize("address", ["nonsense", "host:", ":9092", "host:port", ""])
def test_an_address_of_another_form_is_refused(address: str) -> None:
    result = CliRunner().invoke(tail.app, ["events", "tail", "--bootstrap-servers", address])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: bootstrap server {address!r} is not host:port\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["events", "tail", "--family", "weather"],
        ["events", "tail", "--state", "idle"],
        ["events", "tail", "--max", "0"],
        ["events", "tail", "--format", "xml"],
        ["ticks", "cat", "--universe", "no-such-file.toml"],
    ],
)
def test_wrong_usage_is_refused(arguments: list[str]) -> None:
    assert CliRunner().invoke(tail.app, arguments).exit_code == 2


@pytest.mark.parametrize("words", [("events", "tail"), ("ticks", "cat")])
def test_help_shows_examples(words: tuple[str, str]) -> None:
    result = CliRunner().invoke(tail.app, [*words, "--help"], env={"COLUMNS": "120"})
    assert result.exit_code == 0
    assert f"rotascope {words[0]} {words[1]} --" in result.stdout
