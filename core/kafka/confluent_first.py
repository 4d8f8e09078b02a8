"""The first answer that a new client of librdkafka gets: it makes one also without a broker."""

from __future__ import annotations

import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from core.kafka.clients import no_answer
from core.kafka.confluent_refusals import ConfluentRefusals
from core.model.settings import KafkaSettings

_SILENCE: Final = (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN)
_FIRST_TRY_S: Final = 0.5
"""A broker takes up to 0.3 s to refuse credentials; librdkafka would go on trying."""


def require_first_answer(
    client: Consumer | Producer,
    settings: KafkaSettings,
    refusals: ConfluentRefusals,
    timeout_ms: int,
    topic: str = "",
) -> None:
    """Ask a new client its first question, and look between two tries whether we are refused.

    Args:
        client: Made with `refusals`.
        settings: Of the client.
        refusals: Receives the client's errors.
        timeout_ms: For all of it.
        topic: What to ask for; the whole cluster where it is empty.

    Raises:
        AccessRefusedError: Credentials or a certificate are refused.
        KafkaException: Another error of the client.
        TransportError: No broker answers.
    """
    deadline_s = time.monotonic() + timeout_ms / 1000
    wait_s = timeout_ms / 1000 if settings.security.protocol == "PLAINTEXT" else _FIRST_TRY_S
    while True:
        left_s = deadline_s - time.monotonic()
        try:
            if topic:
                client.list_topics(topic, timeout=min(left_s, wait_s))
            else:
                client.list_topics(timeout=min(left_s, wait_s))
        except KafkaException as error:
            client.poll(0)  # calls back with a refusal, if there was one
            refusals.raise_any()
            if left_s <= wait_s and error.args[0].code() in _SILENCE:
                protocol = settings.security.protocol
                raise no_answer(settings.bootstrap_servers, timeout_ms, protocol) from error
            if left_s <= wait_s:
                raise
            wait_s *= 2
        else:
            return
