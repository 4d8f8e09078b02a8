"""Parses a universe file and validates each of its entries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from core.model.calendar_names import CALENDAR_NAMES, unknown_calendar
from core.model.errors import UniverseError
from core.model.validation import TomlTable, joined, read_toml, validated

AssetClass = Literal["index", "etf", "equity", "crypto", "rate", "flow"]

MAX_AGE_MS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "index": 60_000,
        "etf": 60_000,
        "equity": 60_000,
        "crypto": 30_000,
        "rate": 86_400_000,
        "flow": 86_400_000,
    }
)
"""Asset class → default age beyond which the last price is stale."""

SERIES_CLASSES: Final = ("rate", "flow")
"""Classes of daily series, in role order: a rate is in percent, a flow in currency. A series never trades;
its values come with the history."""


def _matching(pattern: str, words: str) -> Callable[[str], str]:
    """Return a check of a text; `words` say what is allowed."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {words}, not {text!r}")
        return text

    return check


Symbol = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Za-z0-9^.=:_-]{1,32}",
            "1 to 32 letters, digits and ^ . = : _ - (a slash would make pair names ambiguous)",
        )
    ),
]
SourceName = Annotated[
    str,
    AfterValidator(
        _matching(r"[a-z0-9][a-z0-9_-]{0,63}", "1 to 64 lower-case letters, digits, _ and -, no _ or - first")
    ),
]
ListingExchange = Annotated[str, AfterValidator(_matching(r"[A-Za-z0-9]{1,8}", "1 to 8 letters and digits"))]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Milliseconds = Annotated[int, Field(ge=0, le=604_800_000)]
Age = Annotated[int, Field(ge=1, le=604_800_000)]
Exponent = Annotated[int, Field(ge=-18, le=0)]
"""Prices or sizes are integers times ten to this. It stays for as long as the instrument has history."""


class SourceEntry(TomlTable):
    """A `[[source]]`."""

    id: Annotated[int, Field(ge=0, le=65_535)]
    name: SourceName
    allowed_lateness_ms: Milliseconds = 0
    max_lead_ms: Milliseconds = 0
    official_close_wait_ms: Milliseconds = 0
    tick_max_age_ms: Milliseconds = 0


class ClassDefaults(TomlTable):
    """Values for every instrument of a class, overridden by the instrument itself."""

    calendar: Text = ""
    source: Text = ""
    max_age_ms: Age = 1
    has_volume: bool = False
    has_official_close: bool = False
    price_exponent: Exponent = 0
    size_exponent: Exponent = 0


class InstrumentEntry(ClassDefaults):
    """An `[[instrument]]`."""

    id: Annotated[int, Field(ge=0, le=2_147_483_647)]
    symbol: Symbol
    asset_class: AssetClass = Field(alias="class")
    name: Text = ""
    sentence_name: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    listing_exchange: ListingExchange = ""
    group: Text = ""
    sector: Text = ""


class PairEntry(TomlTable):
    """A `[[pair]]`."""

    numerator: Symbol
    benchmark: Symbol


class DefaultsTable(TomlTable):
    """The table `[defaults]`, with a table for each class."""

    index: ClassDefaults = ClassDefaults()
    etf: ClassDefaults = ClassDefaults()
    equity: ClassDefaults = ClassDefaults()
    crypto: ClassDefaults = ClassDefaults()
    rate: ClassDefaults = ClassDefaults()
    flow: ClassDefaults = ClassDefaults()


class UniverseFile(TomlTable):
    """A universe file: the sources, instruments and pairs that Rotascope watches.

    What is left out has no value here: `read_universe_file` fills in what follows from the class.
    """

    source: Annotated[list[SourceEntry], Field(min_length=1)]
    instrument: Annotated[list[InstrumentEntry], Field(min_length=1)]
    pair: Annotated[list[PairEntry], Field(min_length=1)]
    defaults: DefaultsTable = DefaultsTable()


def read_universe_file(text: str) -> dict[str, Any]:
    """Read a universe file and fill in the defaults of its instruments.

    Args:
        text: TOML text, in the shape of `UniverseFile`.

    Returns:
        Lists of entries under "source", "instrument" (complete) and "pair", in the file's order.

    Raises:
        UniverseError: The message lists every problem with its entry and the nearest names.
    """
    document = read_toml(text, "universe", universe_error)
    validated(UniverseFile, document, "universe", universe_error)
    defaults = document.get("defaults", {})
    entries = [_with_defaults(entry, defaults.get(entry["class"], {})) for entry in document["instrument"]]
    problems = [problem for entry in entries for problem in _problems_within(entry)]
    if problems:
        raise universe_error(joined(problems))
    return {"source": document["source"], "instrument": entries, "pair": document["pair"]}


def universe_error(message: str) -> UniverseError:
    """Return the error of a universe that cannot be used."""
    return UniverseError(
        message,
        operator_action="fix the universe file; 'rotascope check' validates it without starting anything",
    )


def _with_defaults(entry: Mapping[str, Any], of_class: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the defaults of the class in the file, then the built-in ones."""
    merged: dict[str, Any] = {**of_class, **entry}
    asset_class = merged["class"]
    merged.setdefault("name", merged["symbol"])
    merged.setdefault("max_age_ms", MAX_AGE_MS[asset_class])
    merged.setdefault("has_volume", asset_class != "index" and asset_class not in SERIES_CLASSES)
    # An index publisher announces its close; a stock needs an auction that we can identify.
    merged.setdefault("has_official_close", asset_class == "index" or "listing_exchange" in merged)
    return merged


def _problems_within(entry: Mapping[str, Any]) -> Iterable[str]:
    """Validate one instrument."""
    who = f"instrument {entry['symbol']!r}"
    for key in ("calendar", "source"):
        if key not in entry:
            yield f"{who} has no {key!r}, and [defaults.{entry['class']}] does not set it"
    calendar = entry.get("calendar", CALENDAR_NAMES[0])
    hint = unknown_calendar(calendar)
    if hint is not None:
        yield f"{who} has the unknown calendar {calendar!r}{hint}"
    if entry["class"] in SERIES_CLASSES:
        for key in ("has_volume", "has_official_close"):
            if entry[key]:
                yield f"{who} is a {entry['class']}: it never trades and cannot have {key!r}"
    auctioned = entry["class"] in ("etf", "equity")
    if auctioned and entry["has_official_close"] and "listing_exchange" not in entry:
        yield f"{who} has an official close, so it needs a 'listing_exchange' that identifies the auction"
