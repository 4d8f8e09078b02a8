"""How a command ends: errors of ours become a message and an exit code, never a traceback.

    0    done, or stopped as asked
    1    the broker, the network or another machine failed; another try may succeed
    2    settings, of ours or of the cluster, or input cannot be used; another try will not help
    3    state cannot be brought back to where it was; an operator decides
    78   the vendor refuses us for good (key, plan, scope): supervisors must not start it again
    130  Ctrl-C

One table for all commands, so that a supervisor need not know which of them it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from core.model.errors import (
    ConfigurationError,
    FeedError,
    HistoryError,
    InputError,
    RotascopeError,
    SnapshotError,
    TransportError,
)

EXIT_FAILED: Final = 1
EXIT_INPUT: Final = 2
EXIT_STATE: Final = 3
EXIT_REFUSED: Final = 78
"""EX_CONFIG of sysexits.h."""
EXIT_INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells have it."""


def exit_code(error: RotascopeError) -> int:
    """Give the exit code that stands for an error.

    Example:
        >>> exit_code(InputError("no such day"))
        2
    """
    if isinstance(error, ConfigurationError | InputError):
        return EXIT_INPUT
    if isinstance(error, SnapshotError):
        return EXIT_STATE
    if isinstance(error, FeedError) and not error.retriable:
        return EXIT_REFUSED
    if isinstance(error, TransportError) and not error.retriable:
        # The broker answered, and a setting must change: of a topic, of the cluster, or ours.
        return EXIT_INPUT
    return EXIT_FAILED


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn errors of ours into a message on standard error and an exit code."""
    try:
        yield
    except RotascopeError as error:
        typer.echo(f"error: {_printed(error)}", err=True)
        raise typer.Exit(exit_code(error)) from error
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _printed(error: RotascopeError) -> str:
    """One line for input, which many files may break in many rows; else the action stands by itself."""
    if isinstance(error, HistoryError) and error.operator_action is not None:
        return f"{error.message}; {error.operator_action}"
    return str(error)
