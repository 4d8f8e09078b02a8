"""core.model.errors: one tree, one way to say what to do."""

import inspect

import pytest

import core.model.errors as errors
from core.model.errors import (
    CatalogueError,
    ConfigurationError,
    FeedError,
    FrameError,
    HistoryError,
    InputError,
    RotascopeError,
    SessionError,
    SnapshotError,
    TransportError,
    UniverseError,
)

CLASSES = [
    value for _, value in inspect.getmembers(errors, inspect.isclass) if value.__module__ == errors.__name__
]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_everything_is_a_rotascope_error(kind: type[Exception]) -> None:
    assert issubclass(kind, RotascopeError)


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (UniverseError, ConfigurationError),
        (CatalogueError, ConfigurationError),
        (FrameError, InputError),
        (HistoryError, InputError),
        (SessionError, InputError),
    ],
)
def test_callers_can_catch_a_branch(kind: type[Exception], parent: type[Exception]) -> None:
    assert issubclass(kind, parent)


def test_the_documented_tree_names_every_class() -> None:
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in CLASSES if kind.__name__ not in errors.__doc__] == []


def test_an_operator_action_is_the_last_line() -> None:
    text = str(ConfigurationError("port 9092 is taken", operator_action="free it, or choose another"))
    assert text.splitlines() == ["port 9092 is taken", "Operator action: free it, or choose another"]


def test_without_an_action_there_is_only_the_message() -> None:
    assert str(SnapshotError("made by another catalogue")) == "made by another catalogue"


@pytest.mark.parametrize(
    ("error", "retriable"),
    [
        (TransportError("broker is not there"), True),
        (ConfigurationError("no such key"), False),
        (FrameError("crc", "does not match"), False),
        (FeedError("auth failed", action="fatal", code=402), False),
        (FeedError("connection limit exceeded", action="slow_retry", code=406), True),
        (FeedError("slow client", action="reconnect", code=407), True),
        (FeedError("already authenticated", action="ignore", code=403), False),
    ],
)
def test_retriable_says_whether_another_try_may_help(error: RotascopeError, retriable: bool) -> None:
    assert error.retriable is retriable


def test_a_frame_error_keeps_its_reason_for_the_counter() -> None:
    error = FrameError("length", "31 bytes")
    assert (error.reason, error.message) == ("length", "31 bytes")


def test_a_feed_error_keeps_the_vendors_code() -> None:
    error = FeedError("auth failed", action="fatal", code=402, operator_action="check the key")
    assert (error.code, error.action, error.operator_action) == (402, "fatal", "check the key")
