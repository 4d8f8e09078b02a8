"""Prints the lines of records, counts them, and ends without a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any

import msgspec
import typer

from core.kafka.records import Record
from core.model.errors import InputError, RotascopeError
from core.runtime.exit_codes import exit_code


class TailFormat(StrEnum):
    """Output format of a line."""

    TABLE = "table"
    JSON = "json"


@dataclass(slots=True)
class Tally:
    """Counts of lines printed and of invalid records."""

    shown: int = 0
    invalid: int = 0


def print_records(
    records: Iterable[Record],
    lines: Callable[[Record], Iterable[Mapping[str, Any]]],
    text: Callable[[Mapping[str, Any]], str],
    tally: Tally,
    maximum: int | None,
) -> None:
    """Print the content of records; report unreadable ones on standard error.

    The lines of a record are written at once: a frame has up to a thousand ticks, and a write for each
    of them took most of the time.

    Args:
        records: Records of a topic.
        lines: Returns the lines of a record; raises InputError if it is unreadable.
        text: Formats one line; from `line_format`.
        tally: Updated as lines are printed, so that an interrupted run can still report.
        maximum: Stop after this many lines; None for no limit.
    """
    for record in records:
        left = None if maximum is None else maximum - tally.shown
        try:
            texts = [text(line) for line in islice(lines(record), left)]
            if texts:
                tally.shown += len(texts)  # before printing, so that Ctrl-C in between cannot report "none"
                typer.echo("\n".join(texts))
            if tally.shown == maximum:
                return
        except InputError as error:
            tally.invalid += 1
            place = f"{record.topic}/{record.partition}@{record.offset}"
            reason = getattr(error, "reason", None)
            typer.echo(f"warning: {place}: {f'{reason}: ' if reason else ''}{error}", err=True)


def line_format(
    style: TailFormat, header: str, row: Callable[[Mapping[str, Any]], str]
) -> Callable[[Mapping[str, Any]], str]:
    """Return what formats one line.

    Args:
        style: Format of the lines.
        header: Heads the table, before its first line.
        row: Formats one line of the table.
    """
    if style is TailFormat.JSON:
        encode = msgspec.json.Encoder().encode
        return lambda line: encode(line).decode()
    heads = iter((f"{header}\n",))
    return lambda line: next(heads, "") + row(line)


def report(tally: Tally, what: str) -> None:
    """Report what was skipped, or that nothing matched, on standard error.

    Args:
        tally: Counts of the whole run.
        what: The lines, such as "events".

    Raises:
        typer.Exit: Status 1: invalid records were skipped.
    """
    if tally.invalid:
        typer.echo(f"note: invalid records skipped: {tally.invalid}; exit status 1", err=True)
        raise typer.Exit(1)
    if not tally.shown:
        typer.echo(f"note: no {what} matched", err=True)


@contextmanager
def polite_end() -> Iterator[None]:
    """Exit without a traceback on Ctrl-C, on a closed output pipe and on Rotascope's own errors."""
    try:
        yield
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        # Python flushes standard output again at exit; that flush must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except RotascopeError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(exit_code(error)) from error
