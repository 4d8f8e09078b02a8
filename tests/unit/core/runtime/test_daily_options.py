"""What a command says of its files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.model.errors import ConfigurationError
from core.runtime.daily_options import FileOptions, history_entries
from core.runtime.named_files import NamedFile

FILES = [NamedFile("GC=F", Path("gold.csv"), "close"), NamedFile("SPX", Path("spx.csv"), "last")]


def test_an_option_is_for_all_files_or_for_the_one_it_names() -> None:
    options = FileOptions(["when", "SPX:day"], ["%d/%m/%Y", "GC=F:%H:%M %Y%m%d"], ["SPX:2024-07-11"])
    assert history_entries(FILES, options) == [
        {
            "symbol": "GC=F",
            "file": "gold.csv",
            "column": "close",
            "date_column": "when",
            "date_format": "%H:%M %Y%m%d",
        },
        {
            "symbol": "SPX",
            "file": "spx.csv",
            "column": "last",
            "date_column": "day",
            "date_format": "%d/%m/%Y",
            "accept_jumps": [date(2024, 7, 11)],
        },
    ]
    assert history_entries(FILES[:1], FileOptions()) == [
        {"symbol": "GC=F", "file": "gold.csv", "column": "close"}
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (FileOptions(date_formats=["%Q"]), "is not a format with year, month and day"),
        (FileOptions(jumps=["SPX"]), "is not SYMBOL:DATE"),
        (FileOptions(jumps=["SPX:soon"]), "is not SYMBOL:DATE"),
        (FileOptions(jumps=["SPY:2024-07-11"]), r"no file is given for 'SPY'; did you mean 'SPX'\?"),
    ],
)
def test_an_option_that_fits_nothing_is_refused(options: FileOptions, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        history_entries(FILES, options)
