"""A failing cleanup is told, and the error that led to it still reaches the operator."""

from __future__ import annotations

import pytest

from core.model.errors import TransportError
from core.runtime.closing import close_quietly, closing_quietly


def failing() -> None:
    raise ValueError("Future not done")


def test_the_first_error_is_the_one_that_is_raised(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(TransportError, match="the record is too large") as caught,
        closing_quietly(failing, "the client"),
    ):
        raise TransportError("the record is too large")
    assert caught.value.__context__ is None
    out = capsys.readouterr()
    assert "Future not done" in out.out + out.err


def test_a_failing_close_alone_does_not_end_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    with closing_quietly(failing, "the client"):
        pass
    out = capsys.readouterr()
    assert "the client" in out.out + out.err


def test_what_can_be_closed_is_closed() -> None:
    closed: list[int] = []
    close_quietly(lambda: closed.append(1), "a list")
    assert closed == [1]


def test_an_interrupt_of_a_cleanup_is_no_failure_of_it() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        close_quietly(interrupted, "the client")
