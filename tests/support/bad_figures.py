"""Daily files with unusable figures or jumps."""

from __future__ import annotations

from tests.support.bad_file import (
    GOOD,
    BadFile,
    lines,
    plain,
)

FIGURES = (
    BadFile(
        "text.csv", plain(replaced={1: "2024-07-02,abc"}), "data row 2, column 'close': 'abc' is not a number"
    ),
    BadFile("many_texts.csv", plain(replaced={1: "2024-07-02,a", 2: "2024-07-03,b"}), "(and 1 more)"),
    BadFile("long_text.csv", plain(replaced={1: "2024-07-02," + "y" * 9000}), "is not a number"),
    BadFile(
        "inf.csv", plain(replaced={1: "2024-07-02,inf"}), "data row 2, column 'close': 'inf' is infinite"
    ),
    BadFile("minus_inf.csv", plain(replaced={1: "2024-07-02,-Infinity"}), "is infinite"),
    BadFile(
        "e400.csv", plain(replaced={1: "2024-07-02,1e400"}), "data row 2, column 'close': '1e400' is infinite"
    ),
    BadFile(
        "e300.csv",
        lines("2024-07-01,1e300"),
        "the close of 2024-07-01, 1e+300, does not fit price_exponent = 0|does not fit price_exponent = -9",
    ),
    BadFile("e12.csv", plain(replaced={1: "2024-07-02,1e12"}), "1 × unit_glitch", works=True),
    BadFile("hex.csv", plain(replaced={1: "2024-07-02,0x10"}), "'0x10' is not a number"),
    BadFile("underscore.csv", plain(replaced={1: "2024-07-02,1_000"}), "'1_000' is not a number"),
    BadFile("fraction.csv", plain(replaced={1: "2024-07-02,101 1/2"}), "is not a number"),
    BadFile("two_points.csv", plain(replaced={1: "2024-07-02,1.0.1"}), "is not a number"),
    BadFile("bad_group.csv", plain(replaced={1: '2024-07-02,"1,01,2.5"'}), "is not a number"),
    BadFile(
        "after_preamble.csv",
        b"hello\n" + plain(replaced={1: "2024-07-02,abc"}),
        "data row 2, column 'close': 'abc' is not a number (line 4)",
    ),
    BadFile(
        "both_signs.csv",
        lines("2024-07-01;100,5", "2024-07-02;100.25", header="date;close"),
        "has a decimal comma, but other rows have a decimal point",
    ),
    BadFile(
        "thousands.csv",
        lines("2024-07-01;2,058", "2024-07-02;2,062", header="date;close"),
        "may be thousands or a decimal comma",
    ),
    BadFile("all_blank.csv", lines("2024-07-01,", "2024-07-02,."), "no row with a close on a session"),
    BadFile("all_zero.csv", lines("2024-07-01,0", "2024-07-02,0"), "no row with a close on a session"),
    BadFile("nan.csv", plain(replaced={1: "2024-07-02,NaN"}), "1 × blank_close", works=True),
    BadFile("zero.csv", plain(replaced={1: "2024-07-02,0"}), "1 × close_not_positive", works=True),
    BadFile("negative.csv", plain(replaced={1: "2024-07-02,-101"}), "1 × close_not_positive", works=True),
    BadFile("tiny.csv", plain(replaced={1: "2024-07-02,1e-12"}), "1 × unit_glitch", works=True),
    BadFile(
        "open_text.csv",
        lines("2024-07-01,x,1", header="date,open,close"),
        "column 'open': 'x' is not a number",
    ),
    BadFile(
        "volume_text.csv", lines("2024-07-01,1,many", header="date,close,volume"), "column 'volume': 'many'"
    ),
    BadFile(
        "open_inf.csv",
        lines("2024-07-01,inf,1", header="date,open,close"),
        "column 'open': 'inf' is infinite",
    ),
    BadFile(
        "open_e300.csv",
        lines("2024-07-01,1e300,1", header="date,open,close"),
        "the open of 2024-07-01|does not fit price_exponent = -9",
    ),
    BadFile(
        "volume_neg.csv",
        lines("2024-07-01,1,-5", "2024-07-02,1,5", "2024-07-11,1,5", header="date,close,volume"),
        "1 × volume_unknown",
        works=True,
    ),
    BadFile(
        "volume_e300.csv",
        lines("2024-07-01,1,1e300", "2024-07-11,1,5", header="date,close,volume"),
        "1 × volume_too_large",
        works=True,
    ),
    BadFile(
        "outside.csv",
        lines("2024-07-01,9,2,1,1.5", "2024-07-11,1.5,2,1,1.5", header="date,open,high,low,close"),
        "1 × open_unknown",
        works=True,
    ),
    BadFile(
        "range.csv",
        lines("2024-07-01,1.2,1.4,1,1.5", "2024-07-11,1.5,2,1,1.5", header="date,open,high,low,close"),
        "1 × range_unknown",
        works=True,
    ),
)

JUMPS = (
    BadFile(
        "glitch.csv",
        plain(replaced={5: "2024-07-09,10300"}),
        "1 × unit_glitch: the close is about 100 times",
        works=True,
    ),
    BadFile(
        "glitch_down.csv",
        plain(replaced={5: "2024-07-09,0.103"}),
        "about 1/1000 of the adjacent ones",
        works=True,
    ),
    BadFile(
        "last_row.csv",
        plain(replaced={9: "2024-07-15,10450"}),
        "the close of 2024-07-15 is about 100 times the previous one",
    ),
    BadFile(
        "late_split.csv",
        plain(replaced={8: "2024-07-12,51.7", 9: "2024-07-15,52.2"}),
        "confirm a real move with --accept-jump SYM:2024-07-12",
    ),
    BadFile(
        "split.csv",
        plain(replaced={0: "2024-07-01,400", 1: "2024-07-02,404"}),
        "1 × scale_step: the close is about 1/4 of",
        works=True,
    ),
    BadFile(
        "confirmed_nothing.csv",
        GOOD,
        "1 × no_such_jump",
        works=True,
        options=("--accept-jump", "SYM:2024-07-09"),
    ),
    BadFile(
        "jump_of_nobody.csv",
        GOOD,
        "no file is given for 'XYZ'|known",
        options=("--accept-jump", "XYZ:2024-07-09"),
    ),
    BadFile("jump_no_date.csv", GOOD, "is not SYMBOL:DATE", options=("--accept-jump", "SYM")),
    BadFile("jump_bad_date.csv", GOOD, "is not SYMBOL:DATE", options=("--accept-jump", "SYM:2024-02-30")),
)
