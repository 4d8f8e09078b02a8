"""Calls that know no time-out, ended by somebody who does."""

from __future__ import annotations

from deploy.edge.deadline import AbandonedError, DeadlineCall

__all__ = ["AbandonedError", "DeadlineCall"]
