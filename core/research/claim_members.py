"""Volumes of many members of an index, and what they trade together against their own average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.model.timestamps import date_text

LEAST_KNOWN_PCT: Final = 80.0
"""Least share of the members whose volume must be known on every session that is measured."""


@dataclass(frozen=True, slots=True)
class MemberVolumes:
    """Daily volumes of the members of an index.

    Args:
        sessions: int64 (n,): all sessions of the calendar from the file's first date to its last.
        volumes: float64 (n, m), in shares: a column for each member; NaN if unknown.
    """

    sessions: NDArray[np.int64]
    volumes: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MembersDay:
    """The members' volume on a day.

    Args:
        members: Number of members in the file.
        members_used: Those whose volume is known on the day and on every session before it that is averaged.
        volume: Their volume on the day, in shares.
        average: The mean of their volume over the sessions before.
    """

    members: int
    members_used: int
    volume: float
    average: float


def members_day(volumes: MemberVolumes, day: int, before: int) -> MembersDay | str:
    """Measure the members' volume on a day against the sessions before it.

    The same members are added on all sessions, so that a member that was listed, or is missing, in between
    does not look like trade. The day itself is not in the average.

    Args:
        volumes: The members' volumes.
        day: Session, days since 1970-01-01.
        before: Number of sessions in the average.

    Returns:
        The figures, or the reason why there are none.
    """
    sessions = volumes.sessions
    if day > sessions[-1]:
        return f"the members' file ends on {date_text(int(sessions[-1]))}"
    if day < sessions[0]:
        return f"the members' file begins on {date_text(int(sessions[0]))}"
    row = int(np.searchsorted(sessions, day))
    if sessions[row] != day:
        return f"{date_text(day)} is no session"
    if row < before:
        return f"the members' file has {row} sessions before {date_text(day)}; the average needs {before}"
    window = volumes.volumes[row - before : row + 1]
    if np.isnan(window).all(axis=1).any():
        missing = sessions[row - before : row + 1][np.isnan(window).all(axis=1)]
        return f"the members' file has no volume on {date_text(int(missing[0]))}"
    known = ~np.isnan(window).any(axis=0)
    members, used = window.shape[1], int(known.sum())
    if used * 100.0 < members * LEAST_KNOWN_PCT:
        return (
            f"only {used} of {members} members have a volume on every one of the {before + 1} sessions; "
            f"at least {LEAST_KNOWN_PCT:g} % must"
        )
    together = window[:, known].sum(axis=1)
    return MembersDay(members, used, float(together[-1]), float(together[:-1].mean()))
