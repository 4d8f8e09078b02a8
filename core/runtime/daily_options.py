"""Options that say of daily files what they do not say themselves, the same for every command."""

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
        help="The column of dates, of all files or of one; none: date, timestamp, time and the like.",
    ),
]
DateFormat = Annotated[
    list[str] | None,
    typer.Option(
        "--date-format",
        metavar="[SYMBOL:]FORMAT",
        help="How dates are written, of all files or of one, such as %d/%m/%Y; none: as the first one looks.",
    ),
]
AcceptJump = Annotated[
    list[str] | None,
    typer.Option(
        "--accept-jump",
        metavar="SYMBOL:DATE",
        help="A day on which a close really doubled, halved or moved further; else it counts as a mistake "
        "in the file, or as a split that nobody adjusted for.",
    ),
]

_JUMP_EXAMPLE: Final = "write, for instance, --accept-jump IWM:2024-07-11"
_FORMAT_EXAMPLE: Final = "write, for instance, --date-format '%d/%m/%Y' or --date-format IWM:%Y%m%d"


class FileOptions(NamedTuple):
    """What was said of the files of one command.

    Args:
        date_columns: `[SYMBOL:]NAME`.
        date_formats: `[SYMBOL:]FORMAT`.
        jumps: `SYMBOL:DATE`.
        now_ns: The present, for dates in the future; None: no date is too late.
    """

    date_columns: Sequence[str] | None = None
    date_formats: Sequence[str] | None = None
    jumps: Sequence[str] | None = None
    now_ns: int | None = None


def history_entries(
    files: Iterable[NamedFile], options: FileOptions, *, besides: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """Put files and options together, as `core.model.settings.HistoryFile` takes them.

    Args:
        files: One a symbol.
        options: What was said of them.
        besides: Symbols of other files that the options may name.

    Raises:
        ConfigurationError: An option that names no symbol of the files, or holds no date or format.
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
    """Symbol → text; a text for one file goes before one for all."""
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
            f"--date-format {format[:60]!r} is not a format of year, month and day",
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
