from __future__ import annotations

import socket

import pytest

from core.model.errors import TransportError
from tests.support.ports import LOOPBACK, answers, free_port, free_ports, wait_until_answering


def test_ports_are_different_and_can_be_bound() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    with socket.socket() as listener:
        listener.bind((LOOPBACK, ports[0]))
        assert listener.getsockname()[1] == ports[0]


def test_a_listening_port_answers_and_a_free_one_does_not() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        assert answers(port)
        wait_until_answering(port, timeout_s=1.0)
    assert not answers(free_port())


def test_waiting_in_vain_ends_with_an_error() -> None:
    with pytest.raises(TransportError, match="nothing answers"):
        wait_until_answering(free_port(), timeout_s=0.05)
