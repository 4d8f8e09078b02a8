"""`rotascope events tail`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consumers.inspect import tail
from core.events.events import Event, encode_data, event_key, kafka_headers, topic_of
from core.kafka.records import Record
from core.model.schemas import event_schema_id
from tests.support.ports import free_port
from tests.support.sample_events import candidate, opposite_day, strength
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
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.pop("ce_id") for line in lines] == [event.event_id for event in events]
    assert lines == [json.loads(encode_data(event)) for event in events]
    assert result.stderr == ""
    assert command.reader.closed
    assert command.reader.read_with == {
        "topics": tuple(ALL_EVENT_TOPICS),
        "from_beginning": True,
        "until_end": False,
    }


def test_the_table_tells_the_story_in_aligned_lines(command: TailCommand) -> None:
    events = [opposite_day(), strength(quality="gap")]
    result = command.run("events", "tail", records=[stored(event) for event in events])
    head, first, second = result.stdout.splitlines()
    for title, word in (
        ("PAIR", "RUT/SPX"),
        ("STATE", "opened"),
        ("EVENT TIME", "2024-07-11"),
        ("LEGS", "RUT +3.57 %, SPX -0.88 %"),
        ("SUMMARY", opposite_day().summary),
    ):
        assert first.index(word, head.index(title)) == head.index(title)
    assert first[: head.index("LEGS")].endswith("   0.03  ")
    assert second[: head.index("LEGS")].endswith("      -  ")
    assert second.endswith(f"{strength().summary}; quality gap")


def test_texts_and_nulls_among_the_values_are_lines_as_well(command: TailCommand) -> None:
    dated = opposite_day(
        definition="drawdown",
        family="level",
        values={"peak_date": "2021-11-08", "ratio_highest_since": None, "drawdown_pct": -10.4},
    )
    earlier = stored(dated, **of_an_earlier_schema(dated))
    result = command.run("events", "tail", records=[stored(dated), earlier])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Drawdown; drawdown -10.40 %, peak date 2021-11-08, ratio highest since unknown" in result.stdout


def of_an_earlier_schema(event: Event, **changes: Any) -> dict[str, Any]:
    """An event as a release published it whose schema had neither texts nor openings a year."""
    data = json.loads(encode_data(event))
    for name in ("title", "summary", "openings_per_year"):
        del data[name]
    data["first_since"] = {
        "date": "2008-10-10", "history_start": "1990-01-02", "series": "close", "operator": ">=", "count": 1
    }  # fmt: skip
    schema = event_schema_id(event.family)
    name, _, number = schema.rpartition(":")
    headers = dict(kafka_headers(event)) | {"ce_dataschema": f"{name}:{int(number) - 1}".encode()}
    return {"value": json.dumps(data | changes).encode(), "headers": tuple(headers.items())}


def test_events_of_an_earlier_schema_are_read_to_the_end_of_their_topic(command: TailCommand) -> None:
    event = opposite_day()
    old = stored(event, **of_an_earlier_schema(event))
    result = command.run("events", "tail", "--at-most-per-year", "0.03", records=[old])
    assert (result.exit_code, result.stderr) == (0, "")
    line = result.stdout.splitlines()[1]
    assert "  0.03  RUT +3.57 %, SPX -0.88 %" in line
    assert line.endswith(
        "Opposite day up; benchmark return -0.88 %, instrument return 3.57 %, spread 4.45 pp: "
        "first since 2008-10-10, 2 times since 1990"
    )
    result = command.run("events", "tail", "--format", "json", records=[old])
    assert json.loads(result.stdout)["ce_id"] == event.event_id


def test_an_earlier_event_without_what_a_line_needs_is_left_out(command: TailCommand) -> None:
    event = opposite_day()
    result = command.run("events", "tail", records=[stored(event, **of_an_earlier_schema(event, legs=None))])
    assert result.exit_code == 1
    assert "legs: None is not of type 'object'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message", "action"),
    [
        (
            ["--definition", "oposite_day_up"],
            "error: no definition 'oposite_day_up' in the shipped catalogue; did you mean 'opposite_day_up'",
            "Operator action: correct --definition, or name the file that has it with --catalogue",
        ),
        (
            ["--pair", "RUT/SPY"],
            "error: no pair 'RUT/SPY' in the universe of the demo; did you mean 'RUT/SPX'",
            "Operator action: correct --pair, or name the file that has it with --universe",
        ),
    ],
)
def test_a_name_that_nobody_watches_is_refused_with_the_nearest(
    command: TailCommand, arguments: list[str], message: str, action: str
) -> None:
    result = command.run("events", "tail", *arguments, records=[stored(opposite_day())])
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith(message)
    assert second == action


def test_names_of_ones_own_files_are_known(command: TailCommand, tmp_path: Path) -> None:
    catalogue, settings = tmp_path / "mine.toml", tmp_path / "settings.toml"
    catalogue.write_text('[[definition]]\nid = "mine"\nfamily = "level"\nenter = ["return_1d_pct >= 3"]\n')
    settings.write_text(f'catalogue_file = "{catalogue}"\n')
    for arguments in (["--catalogue", str(catalogue)], ["--settings", str(settings)]):
        result = command.run("events", "tail", "--definition", "mine", *arguments)
        assert (result.exit_code, result.stderr) == (0, "note: no events matched\n")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["--family", "divergence"], ["candidate", "opened"]),
        (["--family", "divergence", "--family", "relative-strength"], ["candidate", "opened", "opened"]),
        (["--state", "candidate"], ["candidate"]),
        (["--state", "candidate", "--state", "opened"], ["candidate", "opened", "opened"]),
        (["--definition", "spread_z_15m"], ["opened"]),
        (["--pair", "RUT/SPX", "--state", "opened"], ["opened"]),
        (["--at-most-per-year", "0.03"], ["candidate", "opened"]),
        (["--at-most-per-year", "0.02"], []),
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
        "events", "tail", "--pair", "RUT/QQQ", "--until-end", records=[stored(opposite_day())]
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
        ["events", "tail", "--at-most-per-year", "-1"],
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
