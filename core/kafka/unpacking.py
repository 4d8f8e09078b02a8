"""Batches that kafka-python cannot unpack: named in an error, and dropped from the client."""

from __future__ import annotations

from typing import Any, Final

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError, KafkaError, UnsupportedCodecError

_CODEC: Final = "Libraries for "


def guard_unpacking(consumer: Any) -> Any:
    """Let a `KafkaConsumer` raise, at each poll, for a batch that it cannot unpack; gives the consumer."""
    consumer._fetcher.PartitionRecords = _Records
    return consumer


class CorruptBatchError(CorruptRecordError):  # type: ignore[misc]
    """A batch whose checksum or content is wrong.

    Args:
        text: Which batch, and what is wrong with it.
        partition: Of its topic.
    """

    def __init__(self, text: str, partition: int) -> None:
        super().__init__(text)
        self.partition = partition


class _Records(Fetcher.PartitionRecords):  # type: ignore[misc]
    """What one answer holds of a partition.

    kafka-python 3.0.12 keeps an answer that it failed to unpack: the next poll then asks an exhausted
    iterator for records, in a loop. Here it is dropped, so that the next poll fetches it again, and
    what a codec's own library raises becomes an error of the client.
    """

    def take(self, n: int | None = None) -> list[Any]:
        """Give at most so many records; see the base class."""
        try:
            records: list[Any] = super().take(n)
        except UnsupportedCodecError as error:
            where = self._give_up()
            raise UnsupportedCodecError(f"{where} is compressed with {_codec(error)}") from error
        except CorruptRecordError as error:
            raise CorruptBatchError(f"{self._give_up()}: {error.args[0]}", self.topic_partition[1]) from error
        except KafkaError:
            self._give_up()
            raise
        except Exception as error:
            text = f"{self._give_up()} cannot be unpacked: {error!r}"
            raise CorruptBatchError(text, self.topic_partition[1]) from error
        return records

    def _give_up(self) -> str:
        place = self.topic_partition
        self.drain()
        return f"the batch at offset {self.next_fetch_offset} of {place.topic}/{place.partition}"


def _codec(error: UnsupportedCodecError) -> str:
    """Name the codec as the client's text does; it has no other place for it.

    Example:
        >>> _codec(UnsupportedCodecError("Libraries for zstd compression codec not found"))
        'zstd, which this client cannot read as installed'
    """
    text = str(error.args[0]) if error.args else ""
    if text.startswith(_CODEC):
        return f"{text.removeprefix(_CODEC).split()[0]}, which this client cannot read as installed"
    return f"a codec that this client does not know ({text})"
