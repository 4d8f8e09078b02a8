"""An event as an HTTP message, in either content mode of CloudEvents.

Source:
    CloudEvents HTTP Protocol Binding 1.0.2, §3.1 (binary) and §3.2 (structured); §3.1.3.2 for the encoding
    of header values. CloudEvents JSON Event Format 1.0.2, §3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from core.kafka.records import Record
from core.model.errors import InputError

REQUIRED: Final = ("ce_id", "ce_source", "ce_specversion", "ce_type")
_PREFIX: Final = "ce_"
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED_TYPE: Final = "application/cloudevents+json; charset=utf-8"
_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """What is posted, less the signature.

    Args:
        headers: Of the event.
        body: As it is sent.
    """

    headers: Mapping[str, str]
    body: bytes


class EventData(msgspec.Struct):
    """What every release's events have, and filters ask for."""

    definition: str
    pair: str
    state: str


_NAME: Final = re.compile("[a-z0-9]+")
_VISIBLE: Final = re.compile("[ -~]+")
_DATA: Final = msgspec.json.Decoder(EventData)


def attributes_of(record: Record) -> dict[str, str]:
    """Read the attributes of an event, and check that the record is one.

    The whole schema is the receiver's to check: an event of a newer release is passed on as well.

    Args:
        record: Of an event topic.

    Returns:
        Attribute → value; `datacontenttype` included.

    Raises:
        InputError: It is not a CloudEvent in binary mode, or its data are not those of an event.
    """
    try:
        headers = {name.lower(): value.decode() for name, value in record.headers}
    except (UnicodeDecodeError, AttributeError) as error:  # a header without a value is None
        raise InputError(f"a header is not UTF-8 text: {error}") from error
    missing = [name for name in REQUIRED if not headers.get(name)]
    if missing:
        raise InputError(f"not a CloudEvent in binary content mode: no header {', '.join(missing)}")
    if headers["ce_specversion"] != _VERSION:
        raise InputError(f"CloudEvents {headers['ce_specversion']!r} is not {_VERSION}")
    try:
        _DATA.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not the data of an event: {error}") from error
    attributes = {
        name.removeprefix(_PREFIX): value for name, value in headers.items() if name.startswith(_PREFIX)
    }
    attributes["datacontenttype"] = headers.get(_CONTENT_TYPE, "application/json")
    for name, value in attributes.items():
        # What HTTP cannot carry would be tried again without end.
        if not _NAME.fullmatch(name) or (name == "datacontenttype" and not _VISIBLE.fullmatch(value)):
            raise InputError(f"attribute {name!r} cannot be a header of HTTP")
    return attributes


def binary_message(attributes: Mapping[str, str], body: bytes) -> HttpMessage:
    """Put the attributes into headers; the body is the record's value, byte for byte.

    Args:
        attributes: From `attributes_of`.
        body: The record's value.
    """
    headers = {"Content-Type": attributes["datacontenttype"]}
    for name, value in attributes.items():
        if name != "datacontenttype":
            headers[f"ce-{name}"] = _encoded(value)
    return HttpMessage(headers, body)


def structured_message(attributes: Mapping[str, str], body: bytes) -> HttpMessage:
    """Put attributes and data into one JSON object; the data keep their bytes. Arguments as above."""
    document = {**attributes, "data": msgspec.Raw(body)}
    return HttpMessage({"Content-Type": _STRUCTURED_TYPE}, msgspec.json.encode(document))


def _encoded(value: str) -> str:
    """Percent-encode what may not stand in a header: outside of printable ASCII, and space, quote, percent.

    Example:
        >>> _encoded("RUT/SPX"), _encoded("Euro € 100%")
        ('RUT/SPX', 'Euro%20%E2%82%AC%20100%25')
    """
    return "".join(
        letter
        if "!" <= letter <= "~" and letter not in '"%'
        else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in value
    )
