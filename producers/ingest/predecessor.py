"""Finds the earlier producer of the same source, which this producer takes over from."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.kafka.topic_reader import TopicReader
from core.model.errors import ConfigurationError, FrameError
from core.model.frames import FrameHeader, decode_frame

LOOK_BACK: Final = 256
"""Number of records read at the end of each partition. A feed writes to every partition each second, so its
last frames are near the end unless other sources have written for a long time since."""


class RecentFrame(NamedTuple):
    """A frame near the end of the log.

    Args:
        header: Its header.
        ticks: TICK (n,).
    """

    header: FrameHeader
    ticks: NDArray[np.void]


def recent_frames(reader: TopicReader, topic: str) -> list[RecentFrame]:
    """Read the valid frames near the end of each partition.

    Args:
        reader: Reads the log.
        topic: The ticks topic.

    Raises:
        TransportError: The broker does not answer.
    """
    frames: list[RecentFrame] = []
    for record in reader.read([topic], partitions=reader.partitions(topic), until_end=True, last=LOOK_BACK):
        with suppress(FrameError):  # workers dead-letter it
            frames.append(RecentFrame(*decode_frame(record.value)))
    return frames


def find_predecessor(frames: Iterable[RecentFrame], source_id: int) -> int | None:
    """Return the epoch of the source's latest frame near the end of the log.

    Args:
        frames: From `recent_frames`.
        source_id: Id of the source.

    Returns:
        The highest epoch over all partitions; None if the source has written nothing recently.
    """
    return max((each.header.epoch for each in frames if each.header.source == source_id), default=None)


def check_epoch(predecessor: int | None, epoch: int, source: str) -> None:
    """Refuse an epoch with which workers would drop every frame.

    Args:
        predecessor: Result of `find_predecessor`.
        epoch: Epoch of this run.
        source: Source name, for the message.

    Raises:
        ConfigurationError: The epoch is not higher than that of an earlier run.
    """
    if predecessor is not None and epoch <= predecessor:
        raise ConfigurationError(
            f"epoch {epoch} of source {source} is not higher than {predecessor}, which is already "
            "in the log: "
            "workers would drop every frame",
            operator_action="check this machine's clock, or pass a higher number with --epoch",
        )
