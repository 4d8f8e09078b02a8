"""Closed connections: gap marks, waits and log lines, by the side that closed."""

from __future__ import annotations

from functools import partial

import pytest
import structlog
from websockets.asyncio.server import ServerConnection

from tests.support.feed_samples import trade, wire
from tests.support.session_stage import END, MESSAGE, Stage, stage
from tests.support.vendor_server import log_in, stream, vendor_server


async def test_a_message_that_is_too_large_names_the_setting_and_the_remedy() -> None:
    large = wire([trade(c=["x" * 70_000])])
    async with vendor_server(stream(MESSAGE, large), stream(MESSAGE, close=END)) as vendor:
        subject = Stage(vendor.url, max_message_bytes=65_536)
        with structlog.testing.capture_logs() as log:
            await subject.run()
    (lost,) = [line for line in log if line["event"] == "connection lost"]
    assert lost["reason"].startswith("we closed the connection: a message is larger than")
    assert "alpaca.max_message_bytes = 65536" in lost["reason"]
    assert lost["operator_action"] == "raise alpaca.max_message_bytes, or subscribe to fewer symbols"
    assert subject.counters.reconnects == {"message_too_large": 1}
    assert subject.kinds() == ["message", "gap", "message"]


async def raw(connection: ServerConnection, frame: bytes) -> None:
    """Log in, then write bytes past the library."""
    await log_in(connection)
    connection.transport.write(frame)
    await connection.wait_closed()


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(b"\x83\x00", id="a reserved opcode"),
        pytest.param(b"\xf1\x00", id="reserved bits"),
        pytest.param(b"\x80\x00", id="a continuation of nothing"),
        pytest.param(b"\x89\x7e\x00\xff" + b"x" * 255, id="a long ping"),
        pytest.param(b"\x09\x00", id="a ping in parts"),
        pytest.param(b"\x88\x01x", id="half a close code"),
    ],
)
async def test_a_broken_protocol_is_no_broken_connection(frame: bytes) -> None:
    async with stage(partial(raw, frame=frame), stream(MESSAGE, close=END)) as (subject, _):
        await subject.run()
    assert subject.counters.reconnects == {"protocol_error": 1}


async def test_a_connection_that_breaks_off_is_named_as_such() -> None:
    async def cut(connection: ServerConnection) -> None:
        await log_in(connection)
        connection.transport.abort()

    async with stage(cut, stream(MESSAGE, close=END)) as (subject, _):
        await subject.run()
    assert subject.counters.reconnects == {"broken": 1}


@pytest.mark.parametrize("code", [1002, 1008, 1009, 1011, 4001])
async def test_a_close_of_the_vendors_keeps_its_number(code: int) -> None:
    async with stage(stream(MESSAGE, close=(code, "why")), stream(MESSAGE, close=END)) as (subject, _):
        with structlog.testing.capture_logs() as log:
            await subject.run()
    assert subject.counters.reconnects == {str(code): 1}
    (lost,) = [line for line in log if line["event"] == "connection lost"]
    assert lost["reason"] == f"the server closed the connection: {code} (why)"
