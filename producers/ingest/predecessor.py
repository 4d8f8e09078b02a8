"""Finds the earlier producer of the same source, which this producer takes over from."""

from __future__ import annotations

from typing import Final

from core.kafka.topic_reader import TopicReader
from core.model.errors import ConfigurationError, FrameError
from core.model.frames import decode_frame

LOOK_BACK: Final = 256
"""Number of records read at the end of each partition. A feed writes to every partition each second, so its
last frames are near the end unless other sources have written for a long time since."""


def find_predecessor(reader: TopicReader, topic: str, source_id: int) -> int | None:
    """Return the epoch of the source's latest frame near the end of the log.

    Args:
        reader: Reads the log.
        topic: The ticks topic.
        source_id: Id of the source.

    Returns:
        The highest epoch over all partitions; None if the source has written nothing recently.

    Raises:
        TransportError: The broker does not answer.
    """
    epochs: list[int] = []
    for record in reader.read([topic], partitions=reader.partitions(topic), until_end=True, last=LOOK_BACK):
        try:
            header, _ = decode_frame(record.value)
        except FrameError:
            continue  # workers dead-letter it
        if header.source == source_id:
            epochs.append(header.epoch)
    return max(epochs, default=None)


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
