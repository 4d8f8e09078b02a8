"""Loads the JSON Schemas of core, and describes violations in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012, Schema

from core.model.errors import ConfigurationError
from core.model.schemas import SCHEMA_FILES


@cache
def schema_registry() -> Registry[Schema]:
    """Load every schema of `core.model.schemas.SCHEMA_FILES`; references between them resolve here."""
    folder = files("core") / "data" / "schemas"
    return Registry[Schema]().with_resources(
        (schema_id, DRAFT202012.create_resource(json.loads((folder / name).read_bytes())))
        for schema_id, name in SCHEMA_FILES.items()
    )


@cache
def validator(schema_id: str) -> Draft202012Validator:
    """Return the validator of one schema.

    Args:
        schema_id: An id of `core.model.schemas`.

    Raises:
        ConfigurationError: The schema is not part of this installation.
    """
    if schema_id not in SCHEMA_FILES:
        raise ConfigurationError(
            f"no JSON Schema {schema_id!r} in this installation",
            operator_action="install the version of Rotascope that writes these records",
        )
    registry = schema_registry()
    return Draft202012Validator(registry.contents(schema_id), registry=registry)


def defect(schema_id: str, document: object) -> str | None:
    """Describe what is wrong with a document.

    Args:
        schema_id: An id of `core.model.schemas`.
        document: Parsed JSON, or a mapping of headers.

    Returns:
        The most relevant violation, with its path; None if the document is valid.
    """
    error = best_match(validator(schema_id).iter_errors(document))
    if error is None:
        return None
    place = ".".join(str(part) for part in error.absolute_path)
    return f"{place}: {error.message}" if place else error.message


def text_headers(headers: tuple[tuple[str, bytes], ...]) -> Mapping[str, str]:
    """Decode the headers of a record; bytes that are not UTF-8 become U+FFFD."""
    return {name: value.decode("utf-8", "replace") for name, value in headers}
