"""Ids and file names of the JSON Schemas that Rotascope publishes; no I/O.

The schemas are in `core/data/schemas/`; edges and tests load them. An id is a URN, because the project
owns no domain, and ends in the major version of the schema: an incompatible change takes the next
number and a new file.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

EVENT_COMMON: Final = "urn:rotascope:schema:event:common:2"
"""Common schema of event data of all families."""
EVENT_DIVERGENCE: Final = "urn:rotascope:schema:event:divergence:2"
EVENT_RELATIVE_STRENGTH: Final = "urn:rotascope:schema:event:relative-strength:2"
EVENT_COMMON_1: Final = "urn:rotascope:schema:event:common:1"
"""Event data of earlier releases, which topics hold for as long as they keep events."""
EVENT_DIVERGENCE_1: Final = "urn:rotascope:schema:event:divergence:1"
EVENT_RELATIVE_STRENGTH_1: Final = "urn:rotascope:schema:event:relative-strength:1"
EVENT_HEADERS: Final = "urn:rotascope:schema:event-headers:1"
"""The Kafka headers of an event: CloudEvents 1.0, binary mode."""
INSTRUMENT: Final = "urn:rotascope:schema:instrument:1"
DEAD_LETTER: Final = "urn:rotascope:schema:dead-letter:1"
TICK_LINE: Final = "urn:rotascope:schema:tick-line:1"
"""One line of `rotascope ticks cat --format json`."""
VALUE_LINE: Final = "urn:rotascope:schema:value-line:1"
"""One line of `rotascope values cat --format json`."""
STUDY_VALUES: Final = "urn:rotascope:schema:study-values:1"
"""Output of `rotascope study values --format json`."""
STUDY_BASE_RATES: Final = "urn:rotascope:schema:study-base-rates:1"
"""Output of `rotascope study base-rates --format json`."""
STUDY_NULLS: Final = "urn:rotascope:schema:study-nulls:1"
"""Output of `rotascope study nulls --format json`."""
CLAIMS: Final = "urn:rotascope:schema:claims:1"
"""Output of `rotascope claims --format json`."""

SCHEMA_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        EVENT_COMMON: "event-common.schema.json",
        EVENT_DIVERGENCE: "event-divergence.schema.json",
        EVENT_RELATIVE_STRENGTH: "event-relative-strength.schema.json",
        EVENT_COMMON_1: "event-common-1.schema.json",
        EVENT_DIVERGENCE_1: "event-divergence-1.schema.json",
        EVENT_RELATIVE_STRENGTH_1: "event-relative-strength-1.schema.json",
        EVENT_HEADERS: "event-headers.schema.json",
        INSTRUMENT: "instrument.schema.json",
        DEAD_LETTER: "dead-letter.schema.json",
        TICK_LINE: "tick-line.schema.json",
        VALUE_LINE: "value-line.schema.json",
        STUDY_VALUES: "study-values.schema.json",
        STUDY_BASE_RATES: "study-base-rates.schema.json",
        STUDY_NULLS: "study-nulls.schema.json",
        CLAIMS: "claims.schema.json",
    }
)
"""Schema id → file name in `core/data/schemas/`."""

_EVENT_SCHEMAS: Final[Mapping[str, str]] = MappingProxyType(
    {"divergence": EVENT_DIVERGENCE, "relative-strength": EVENT_RELATIVE_STRENGTH}
)


def event_schema_id(family: str) -> str:
    """Return the id of the schema of a family's event data.

    Args:
        family: One of `core.model.event_families.EVENT_FAMILIES`.

    Returns:
        The family's own schema; the common one if the family has none.

    Example:
        >>> event_schema_id("divergence")
        'urn:rotascope:schema:event:divergence:2'
    """
    return _EVENT_SCHEMAS.get(family, EVENT_COMMON)
