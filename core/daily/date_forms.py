"""Date formats: a column has the form of its first text, and every row must match it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import partial
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from core.daily.findings import shown
from core.model.errors import HistoryError

_TIME: Final = (
    r"(?:(?:[T ]|,\s)\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?\s*(?P<half>[AaPp][Mm])?"
    r"\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2}(?::\d{2})?|[+-]\d{2}|\[?[A-Z]\w+/[\w/+-]+\]?)?)?"
)
_ISO: Final = re.compile(r"(?P<year>\d{4})([-/.])(?P<month>\d{1,2})\2(?P<day>\d{1,2})" + _TIME)
_COMPACT: Final = re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME)
_MONTH_FIRST: Final = re.compile(r"(?P<month>\d{1,2})([/.-])(?P<day>\d{1,2})\2(?P<year>\d{4})" + _TIME)
_DAY_FIRST: Final = re.compile(r"(?P<day>\d{1,2})([/.-])(?P<month>\d{1,2})\2(?P<year>\d{4})" + _TIME)
_NAMED_LATER: Final = re.compile(
    r"(?P<day>\d{1,2})[ -]+(?P<name>[A-Za-z]{3,9})\.?[ ,-]+(?P<year>\d{4})" + _TIME
)
_NAMED_FIRST: Final = re.compile(r"(?P<name>[A-Za-z]{3,9})\.? +(?P<day>\d{1,2}),? +(?P<year>\d{4})" + _TIME)
_EPOCH: Final = re.compile(r"-?\d{9,19}(\.0+)?")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH_UNITS: Final = ((10**11, 1), (10**14, 10**3), (10**17, 10**6), (10**30, 10**9))
"""Upper limits below which a number means seconds, milliseconds, microseconds, nanoseconds."""
_ISO_EXAMPLE: Final = "2024-07-11"
_TIME_DIRECTIVES: Final = ("%H", "%I", "%M", "%S", "%T", "%X", "%c", "%R", "%r")
_PROBE: Final = datetime(2024, 7, 11, 13, 45, 10, tzinfo=UTC)


class Reader(NamedTuple):
    """One form of dates.

    Args:
        read: Parses a text to a date, or a datetime if it has a time of day; raises ValueError otherwise.
        example: Example of the form.
    """

    read: Callable[[str], date | datetime]
    example: str


def reader_for(texts: Sequence[str], format: str | None, where: str) -> Reader:
    """Select the form of a column.

    Args:
        texts: The column, stripped.
        format: As for `strptime`; None to detect it from the first text.
        where: The file and its column, for messages.

    Raises:
        HistoryError: Day and month are ambiguous.
    """
    if format is not None:
        _require_format(format, where)
        return Reader(partial(_by_format, format), shown(_PROBE.strftime(format)))
    first = next((text for text in texts if text), "")
    for form in (_COMPACT, _NAMED_LATER, _NAMED_FIRST):
        if form.fullmatch(first):
            return Reader(partial(_by_form, form), shown(first))
    if _MONTH_FIRST.fullmatch(first):
        return Reader(partial(_by_form, _day_or_month(texts, where)), shown(first))
    if _EPOCH.fullmatch(first):
        largest = max(abs(int(text.split(".")[0])) for text in texts if _EPOCH.fullmatch(text))
        return Reader(partial(_by_epoch, largest), shown(first))
    return Reader(partial(_by_form, _ISO), _ISO_EXAMPLE)


def check_format(format: str) -> None:
    """Refuse a format that does not determine a date.

    Args:
        format: As for `strptime`.

    Raises:
        ValueError: The format has an unknown directive, or lacks year, month or day.

    Example:
        >>> check_format("%d/%m/%Y")
    """
    text = _PROBE.strftime(format)
    if _parsed(text, format).date() != _PROBE.date():
        raise ValueError(format)


def _require_format(format: str, where: str) -> None:
    try:
        check_format(format)
    except (ValueError, OverflowError) as error:
        raise HistoryError(
            f"{where}: {shown(format)} is not a format with year, month and day",
            operator_action="write, for example, %d/%m/%Y",
        ) from error


def _parsed(text: str, format: str) -> datetime:
    # Naive if the format has no zone: such a time is the exchange's local time.
    return datetime.strptime(text, format)  # noqa: DTZ007


def _by_format(format: str, text: str) -> date | datetime:
    if any(directive in format for directive in _TIME_DIRECTIVES):
        return _parsed(text, format)
    try:
        return _parsed(text, format).date()
    except ValueError:
        # A time of day that the format does not mention is ignored.
        shorter = re.split(r"[T ](?=\d{1,2}:\d{2})", text, maxsplit=1)[0]
        return _parsed(shorter, format).date()


def _by_form(form: re.Pattern[str], text: str) -> date | datetime:
    found = form.fullmatch(text)
    if found is None:
        raise ValueError(text)
    parts = found.groupdict()
    month = int(parts["month"]) if parts.get("month") else _MONTHS.index(parts["name"][:3].lower()) + 1
    year, day = int(parts["year"]), int(parts["day"])
    if parts["hour"] is None:
        return date(year, month, day)
    hour = int(parts["hour"])
    if parts["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if parts["half"].lower() == "pm" else 0)
    micro = int((parts["fraction"] or "0").ljust(9, "0")[:6])
    return datetime(
        year, month, day, hour, int(parts["minute"]), int(parts["second"] or 0), micro, _zone(parts["zone"])
    )


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in ("Z", "z", "UTC", "GMT"):
        return UTC
    if text[0] in "+-":
        digits = text[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:4] or 0))
        return timezone(-offset if text[0] == "-" else offset)
    try:
        return ZoneInfo(text.strip("[]"))
    except (KeyError, OSError) as error:
        raise ValueError(text) from error


def _by_epoch(largest: int, text: str) -> datetime:
    if not re.fullmatch(r"-?\d{1,19}(\.0+)?", text):
        raise ValueError(text)
    per_second = next(unit for below, unit in _EPOCH_UNITS if largest < below)
    number = int(text.split(".")[0])
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        seconds=number // per_second, microseconds=number % per_second * 10**6 // per_second
    )


def _day_or_month(texts: Sequence[str], where: str) -> re.Pattern[str]:
    """Determine which comes first, from a row in which one of the two exceeds twelve."""
    found = [match for match in map(_MONTH_FIRST.fullmatch, texts) if match is not None]
    if found[0][2] == ".":
        return _DAY_FIRST
    if any(int(match["day"]) > 12 for match in found):
        return _MONTH_FIRST
    if any(int(match["month"]) > 12 for match in found):
        return _DAY_FIRST
    raise HistoryError(
        f"{where}: {shown(texts[0])} in data row 1 may be day/month or month/day, and no row resolves it",
        operator_action="specify it with --date-format '%m/%d/%Y' or '%d/%m/%Y'",
    )
