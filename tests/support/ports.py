"""Loopback ports for tests; a server that can bind port 0 should do that instead."""

from __future__ import annotations

from deploy.local.ports import LOOPBACK, answers, free_ports, wait_until_answering

__all__ = ["LOOPBACK", "answers", "free_port", "free_ports", "wait_until_answering"]


def free_port() -> int:
    """Return one port that nothing listened on a moment ago."""
    return free_ports(1)[0]
