"""Decodes bytes to text, or names the other format that they have."""

from __future__ import annotations

import codecs
import re
from typing import Final

from core.daily.findings import Finding
from core.model.errors import HistoryError

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""UTF-32 first: its BOM starts with that of UTF-16."""

_STRANGERS: Final = (
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first"),
    (b"%PDF", "a PDF document", "export the figures as CSV"),
    (b"ARROW1", "an Arrow file", "write it as CSV or Parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
)
_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x1f\x7f]")


def decoded(data: bytes, name: str) -> tuple[str, tuple[Finding, ...]]:
    """Decode a text file.

    Args:
        data: The file: UTF-8, UTF-16 or UTF-32, with or without a BOM; otherwise Latin-1.
        name: Name of the file in messages.

    Returns:
        The text, and a finding if the encoding was guessed.

    Raises:
        HistoryError: It is not text.
    """
    for magic, what, action in _STRANGERS:
        if data.startswith(magic):
            raise HistoryError(f"{name} is not a readable csv file: it is {what}", operator_action=action)
    if not data.strip():
        raise HistoryError(
            f"{name} is not a readable csv file: it is empty", operator_action="export it again"
        )
    text, findings = _text(data, name)
    odd = _CONTROL.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        raise HistoryError(
            f"{name} is not a readable csv file: line {line} contains the byte "
            f"0x{ord(odd.group()):02x}, which is not text",
            operator_action="export it again as CSV",
        )
    if re.match(r"\s*<(!doctype|html|\?xml)", text[:200], re.IGNORECASE):
        raise HistoryError(
            f"{name} is not a readable csv file: it is a web page or XML",
            operator_action="download the data, not the page that displays it",
        )
    return text, findings


def _text(data: bytes, name: str) -> tuple[str, tuple[Finding, ...]]:
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", _likely(data)))
    try:
        # A converted file may still start with the BOM of its original encoding.
        return data[len(mark) :].decode(encoding).lstrip("\ufeff"), ()
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise HistoryError(
                f"{name} is not a readable csv file: it is {encoding} text, corrupt at byte "
                f"{len(mark) + error.start}",
                operator_action="export it again as UTF-8",
            ) from error
    return data[len(mark) :].decode("latin-1"), (
        Finding("encoding", (), "the file is not UTF-8; it was read as Latin-1"),
    )


def _likely(data: bytes) -> str:
    """Detect UTF-16 without a BOM by its zeros: Latin text has one in every pair of bytes."""
    head = data[:2000]
    zeros = (head[0::2].count(0), head[1::2].count(0))
    if len(head) >= 4 and max(zeros) > len(head) // 4 and min(zeros) == 0:
        return "utf-16-le" if zeros[1] else "utf-16-be"
    return "utf-8"
