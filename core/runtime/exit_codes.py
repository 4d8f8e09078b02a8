"""Maps Rotascope's errors to a message and an exit code, without a traceback.

    0    done, or stopped as requested
    1    the broker, the network or another machine failed; a retry may succeed
    2    invalid settings, of Rotascope or the cluster, or invalid input; a retry will not help
    3    state cannot be restored; the operator must decide
    78   permanent refusal by the vendor (key, plan, scope): supervisors must not restart it
    130  Ctrl-C

The table is the same for all commands, so that a supervisor can treat them alike.
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
"""128 plus the number of SIGINT, as in shells."""


def exit_code(error: RotascopeError) -> int:
    """Return the exit code of an error.

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
        # The broker answered; a setting of the topic, the cluster or Rotascope must change.
        return EXIT_INPUT
    return EXIT_FAILED


@contextmanager
def exit_codes() -> Iterator[None]:
    """Convert Rotascope's errors to a message on standard error and an exit code."""
    try:
        yield
    except RotascopeError as error:
        typer.echo(f"error: {_printed(error)}", err=True)
        raise typer.Exit(exit_code(error)) from error
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _printed(error: RotascopeError) -> str:
    """One line for input errors, which may be many; otherwise the operator action is on its own line."""
    if isinstance(error, HistoryError) and error.operator_action is not None:
        return f"{error.message}; {error.operator_action}"
    return str(error)
