"""librdkafka's client-wide errors: the only place where it reports that a broker refuses the client.

A call that fails at the same time only reports that no broker is available; librdkafka keeps retrying.
"""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import Final

from confluent_kafka import KafkaError

from core.kafka.refusals import access_refused, credentials_refused
from core.kafka.tls import BROKER_CERTIFICATE, CLIENT_CERTIFICATE, probe, tls_context
from core.model.errors import AccessRefusedError
from core.model.settings import KafkaSettings

_PROBE_S: Final = 2.0
_TEXT: Final = re.compile(r"^\w+://(?P<where>[^/]+)/\S*: (?P<said>.*?)( \(after [^()]*\))?$", re.DOTALL)
_CERTIFICATE_FAILED: Final = "certificate verify failed"
_ALERT: Final = re.compile(r"alert (?P<alert>[a-z ]*(certificate|unknown ca|handshake failure)[a-z ]*)")


class ConfluentRefusals:
    """Keeps the last refusal of one client until it is read.

    Args:
        settings: Of the client; its files explain a certificate that was not accepted.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._refusal: AccessRefusedError | None = None
        self._distrusted = ""

    def note(self, error: KafkaError) -> None:
        """Take one error of the client; librdkafka's `error_cb`."""
        logging.getLogger("rotascope.librdkafka").info("%s: %s", error.name(), error.str())
        found = _TEXT.match(error.str())
        where, said = (found["where"], found["said"]) if found else ("", error.str())
        where = where or self._settings.bootstrap_servers
        if error.code() == KafkaError._AUTHENTICATION:
            self._refusal = credentials_refused(where, said)
        elif _CERTIFICATE_FAILED in said:
            self._distrusted = where
        elif (alert := _ALERT.search(said)) is not None:
            self._refusal = access_refused(
                f"the broker at {where} refuses the certificate of this client: {alert['alert'].strip()}",
                CLIENT_CERTIFICATE,
            )

    def raise_any(self) -> None:
        """Raise what was noted since the last call, if anything was.

        Raises:
            AccessRefusedError: Credentials or a certificate were refused.
        """
        refusal, self._refusal = self._refusal, None
        where, self._distrusted = self._distrusted, ""
        if refusal is None and where:
            refusal = self._explained(where)
        if refusal is not None:
            raise refusal

    def _explained(self, where: str) -> AccessRefusedError:
        """Say what is wrong with a certificate: librdkafka does not."""
        host, _, port = where.rpartition(":")
        with suppress(OSError, ValueError):
            context = tls_context(self._settings.security)
            if context is not None:
                try:
                    probe((host.strip("[]"), int(port)), context, _PROBE_S)
                except AccessRefusedError as refusal:
                    return refusal
        return access_refused(f"the certificate of the broker at {where} is not accepted", BROKER_CERTIFICATE)
