"""Options that describe daily files, shared by all commands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Annotated, Any, Final, NamedTuple

import typer

from core.daily.date_forms import check_format
from core.model.errors import ConfigurationError
from core.model.suggestions import nearest
from core.runtime.named_files import NamedFile

DateColumn = Annotated[
    list[str] | None,
    typer.Option(
        "--date-column",
        metavar="[SYMBOL:]NAME",
        help="Date column of all files or of one; default: date, timestamp, time and similar names.",
    ),
]
DateFormat = Annotated[
    list[str] | None,
    typer.Option(
        "--date-format",
        metavar="[SYMBOL:]FORMAT",
        help="Date format of all files or of one, such as %d/%m/%Y; default: detected from the first row.",
    ),
]
AcceptJump = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-jump",
        metavar="SYMBOL:DATE",
        help="A day on which a close really doubled, halved or moved further; otherwise the jump is "
        "treated as "
        "an error in the file or an unadjusted split.",
    ),
]

_JUMP_EXAMPLE: Final = "write, for example, --accept-jump IWM:2024-07-11"
_FORMAT_EXAMPLE: Final = "write, for example, --date-format '%d/%m/%Y' or --date-format IWM:%Y%m%d"


class FileOptions(NamedTuple):
    """File options of one command.

    Args:
        date_columns: `[SYMBOL:]NAME`.
        date_formats: `[SYMBOL:]FORMAT`.
        jumps: `SYMBOL:DATE`.
        now_ns: Current time, to detect future dates; None for no limit.
    """

    date_columns: Sequence[str] | None = None
    date_formats: Sequence[str] | None = None
    jumps: Sequence[str] | None = None
    now_ns: int | None = None


def history_entries(
    files: Iterable[NamedFile], options: FileOptions, *, besides: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Combine files and options to the form of `core.model.settings.HistoryFile`.

    Args:
        files: One per symbol.
        options: File options.
        besides: Symbols of other files to which options may refer.

    Raises:
        ConfigurationError: An option refers to an unknown symbol, or has no valid date or format.
    """
    files = list(files)
    symbols = list(dict.fromkeys([*(file.name for file in files), *besides]))
    columns = _by_symbol(options.date_columns, symbols)
    formats = _by_symbol(options.date_formats, symbols)
    for format in formats.values():
        _require_format(format)
    accepted = _accepted(options.jumps, symbols)
    return [
        {
            "symbol": file.name,
            "file": str(file.file),
            "column": file.column,
            **_given("date_column", columns.get(file.name)),
            **_given("date_format", formats.get(file.name)),
            **_given("accept_jumps", accepted.get(file.name)),
        }
        for file in files
    ]


def _given(key: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {key: value}


def _by_symbol(texts: Sequence[str] | None, symbols: Sequence[str]) -> dict[str, str]:
    """Symbol → text; a text for one file takes precedence over one for all."""
    general: dict[str, str] = {}
    own: dict[str, str] = {}
    for text in texts or ():
        symbol = next((each for each in symbols if text.startswith(f"{each}:")), None)
        if symbol is not None:
            own[symbol] = text[len(symbol) + 1 :]
        else:
            general = dict.fromkeys(symbols, text)
    return general | own


def _require_format(format: str) -> None:
    try:
        check_format(format)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(
            f"--date-format {format[:60]!r} is not a format with year, month and day",
            operator_action=_FORMAT_EXAMPLE,
        ) from error


def _accepted(jumps: Sequence[str] | None, symbols: Sequence[str]) -> dict[str, list[date]]:
    accepted: dict[str, list[date]] = {}
    for text in jumps or ():
        symbol, _, day = text.rpartition(":")
        try:
            when = date.fromisoformat(day)
        except ValueError as error:
            raise ConfigurationError(
                f"--accept-jump {text[:60]!r} is not SYMBOL:DATE", operator_action=_JUMP_EXAMPLE
            ) from error
        if symbol not in symbols:
            raise ConfigurationError(
                f"--accept-jump {text[:60]!r}: no file is given for {symbol!r}"
                f"{nearest(symbol, symbols[:8], list_all=True)}",
                operator_action=_JUMP_EXAMPLE,
            )
        accepted.setdefault(symbol, []).append(when)
    return accepted
