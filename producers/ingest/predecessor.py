"""Who wrote to the log before this producer: an earlier one of the same source is taken over."""

from __future__ import annotations

from typing import Final

from core.model.errors import ConfigurationError, FrameError
from core.model.frames import decode_frame
from core.model.settings import KafkaSettings
from producers.backfill.log_reader import log_reader

LOOK_BACK: Final = 256
"""Records at the end of each partition that are looked at. A feed writes to every partition each second, so
its last frames stand near the end unless other sources have written for long since."""


def find_predecessor(settings: KafkaSettings, source_id: int) -> int | None:
    """Give the epoch of the source's latest frame near the end of the log.

    Args:
        settings: How to reach Kafka.
        source_id: Whose frames.

    Returns:
        The greatest epoch of any partition; None where the source has written nothing lately.

    Raises:
        TransportError: The broker does not answer.
    """
    epochs: list[int] = []
    topic = settings.ticks_topic
    with log_reader(settings) as reader:
        for record in reader.read(
            [topic], partitions=reader.partitions(topic), until_end=True, last=LOOK_BACK
        ):
            try:
                header, _ = decode_frame(record.value)
            except FrameError:
                continue  # workers set it aside
            if header.source == source_id:
                epochs.append(header.epoch)
    return max(epochs, default=None)


def check_epoch(predecessor: int | None, epoch: int, source: str) -> None:
    """Refuse an epoch under which workers would drop every frame.

    Args:
        predecessor: From `find_predecessor`.
        epoch: Of this run.
        source: For the message.

    Raises:
        ConfigurationError: The epoch is not higher than that of an earlier run.
    """
    if predecessor is not None and epoch <= predecessor:
        raise ConfigurationError(
            f"epoch {epoch} of source {source} is not higher than {predecessor}, which stands in the log: "
            "workers would drop every frame",
            operator_action="check this machine's clock, or name a higher number with --epoch",
        )
