"""Errors as exit codes, on standard error, without a traceback."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from core.model.errors import (
    CatalogueError,
    ConfigurationError,
    FeedError,
    HistoryError,
    RotascopeError,
    SnapshotError,
    TransportError,
)
from core.runtime.exit_codes import exit_code, exit_codes


def _final(error: TransportError) -> TransportError:
    error.retriable = False
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TransportError("no broker"), 1),
        (_final(TransportError("the record is too large")), 2),
        (FeedError("try later", action="slow_retry"), 1),
        (ConfigurationError("bad key"), 2),
        (CatalogueError("bad kind"), 2),
        (HistoryError("gap"), 2),
        (SnapshotError("another universe"), 3),
        (FeedError("auth failed", action="fatal", code=402), 78),
    ],
)
def test_an_error_has_its_exit_code(error: RotascopeError, code: int) -> None:
    assert exit_code(error) == code


def run(raised: BaseException) -> tuple[int, str, str]:
    app = typer.Typer()

    @app.command()
    def command() -> None:
        with exit_codes():
            raise raised

    result = CliRunner().invoke(app)
    return result.exit_code, result.stdout, result.stderr


def test_an_error_is_told_on_standard_error_with_what_to_do() -> None:
    error = TransportError("no broker at kafka:9092", operator_action="start one")
    assert run(error) == (1, "", "error: no broker at kafka:9092\nOperator action: start one\n")


def test_ctrl_c_ends_quietly() -> None:
    assert run(KeyboardInterrupt()) == (130, "", "")


def test_a_mistake_of_ours_is_not_dressed_up() -> None:
    app = typer.Typer()

    @app.command()
    def command() -> None:
        with exit_codes():
            raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(app).exception, ZeroDivisionError)
