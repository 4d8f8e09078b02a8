"""A terminal for tests: a real pseudo-terminal, and the screen that its output makes."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import time
from typing import Final

_SEQUENCE: Final = re.compile(r"\x1b\[(\?)?([0-9;]*)([A-Za-z])")
_BEGUN: Final = re.compile(r"\x1b(\[\??[0-9;]*)?$")


class TerminalScreen:
    """Cells of a terminal: follows cursor movements, erasures and the alternate screen.

    Args:
        columns: Width.
        rows: Height.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.is_alternate = False
        self._cut = ""
        self.normal: list[str] = []
        """Lines that were printed on the normal screen."""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size as a terminal does: cells beyond it are lost, the others stay where they are."""
        old = getattr(self, "_cells", [])
        self.columns, self.rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]
        for row in range(min(rows, len(old))):
            for column in range(min(columns, len(old[row]))):
                self._cells[row][column] = old[row][column]
        self._row = self._column = 0

    def lines(self) -> list[str]:
        """The screen as text."""
        return ["".join(cells).rstrip() for cells in self._cells]

    def feed(self, text: str) -> None:
        """Take output of a program; a control sequence may be cut, and goes on in what follows."""
        text = self._cut + text
        begun = _BEGUN.search(text)
        self._cut = begun[0] if begun else ""
        text = text.removesuffix(self._cut)
        position = 0
        while position < len(text):
            found = _SEQUENCE.match(text, position)
            if found:
                self._control(bool(found[1]), found[2], found[3])
                position = found.end()
                continue
            self._character(text[position])
            position += 1

    def _character(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._down()
        elif self.is_alternate and character.isprintable():
            if self._column >= self.columns:
                self._down()
            self._cells[self._row][self._column] = character
            self._column += 1
        if not self.is_alternate:
            if character == "\n":
                self.normal.append("")
            elif character.isprintable():
                self.normal = self.normal or [""]
                self.normal[-1] += character

    def _down(self) -> None:
        """Go to the next line; below the last one the screen scrolls."""
        self._column = 0
        self._row += 1
        if self._row >= self.rows:
            self._row = self.rows - 1
            self._cells = [*self._cells[1:], [" "] * self.columns]

    def _control(self, private: bool, numbers: str, letter: str) -> None:
        if private and numbers == "1049":
            self.is_alternate = letter == "h"
            self._row = self._column = 0
        elif letter == "H":
            row, _, column = numbers.partition(";")
            self._row = min(int(row or 1), self.rows) - 1
            self._column = min(int(column or 1), self.columns) - 1
        elif letter == "A":
            self._row = max(0, self._row - int(numbers or 1))
        elif letter in "JK" and self.is_alternate:
            self._cells[self._row][self._column :] = [" "] * (self.columns - self._column)


def set_size(descriptor: int, columns: int, rows: int) -> None:
    """Give a pseudo-terminal a size; programs on it are told."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_for(descriptor: int, seconds: float) -> str:
    """Read what a program writes within a time, or until it ends."""
    deadline = time.monotonic() + seconds
    read = b""
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([descriptor], [], [], left)
        if not ready:
            break
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:  # the program has closed its side
            break
        if not chunk:
            break
        read += chunk
    return read.decode("utf-8", "replace")
