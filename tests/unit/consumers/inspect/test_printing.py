"""Lines of records are printed and counted, and every end of a command is orderly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import typer

from consumers.inspect.printing import TailFormat, Tally, line_format, polite_end, print_records, report
from core.kafka.records import Record
from core.model.errors import InputError, TransportError


def record(offset: int, value: bytes) -> Record:
    return Record("t", 2, offset, None, value, (), 0)


def lines(record: Record) -> Iterator[Mapping[str, Any]]:
    """One line per byte; a record without bytes is unreadable."""
    if not record.value:
        raise InputError("empty")
    yield from ({"byte": byte} for byte in record.value)


def test_a_table_has_its_head_once_and_before_the_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = line_format(TailFormat.TABLE, "BYTE", lambda line: f"{line['byte']:4}")
    assert capsys.readouterr().out == ""
    print_records([record(0, b"\1\2"), record(1, b"\3")], lines, text, Tally(), None)
    assert capsys.readouterr().out == "BYTE\n   1\n   2\n   3\n"


def test_json_has_an_object_a_line_up_to_the_maximum(capsys: pytest.CaptureFixture[str]) -> None:
    tally, text = Tally(), line_format(TailFormat.JSON, "BYTE", str)
    print_records([record(0, b"\1\2"), record(1, b"\3\4")], lines, text, tally, 3)
    assert capsys.readouterr().out == '{"byte":1}\n{"byte":2}\n{"byte":3}\n'
    assert tally == Tally(shown=3, invalid=0)


def test_an_unreadable_record_is_named_counted_and_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    tally, text = Tally(), line_format(TailFormat.JSON, "BYTE", str)
    print_records([record(7, b""), record(8, b"\1")], lines, text, tally, None)
    assert capsys.readouterr().err.startswith("warning: t/2@7: empty")
    assert tally == Tally(shown=1, invalid=1)
    with pytest.raises(typer.Exit) as ended:
        report(tally, "bytes")
    assert ended.value.exit_code == 1


def test_nothing_shown_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report(Tally(), "bytes")
    assert capsys.readouterr().err == "note: no bytes matched\n"


def test_ctrl_c_ends_without_a_word_and_our_own_errors_with_their_exit_code() -> None:
    with polite_end():
        raise KeyboardInterrupt
    with pytest.raises(typer.Exit) as ended, polite_end():
        raise TransportError("no broker answers")
    assert ended.value.exit_code == 1


def test_the_lines_of_a_record_are_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the speed of `ticks cat`: a write for each of 60,000 ticks took most of its time."""
    written: list[str] = []
    monkeypatch.setattr(typer, "echo", lambda text, **_: written.append(text))
    text = line_format(TailFormat.JSON, "BYTE", str)
    print_records([record(0, b"\1\2\3"), record(1, b"\4")], lines, text, Tally(), None)
    assert written == ['{"byte":1}\n{"byte":2}\n{"byte":3}', '{"byte":4}']
