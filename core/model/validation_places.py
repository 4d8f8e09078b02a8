"""Follows the place of an error from the top of a document to the table it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel

Location = tuple[int | str, ...]
"""Keys, and numbers of entries of lists, from the top of a document to a value."""


def reached(location: Location, model: type[BaseModel]) -> tuple[Location, type[BaseModel]]:
    """Follow a location to the table it stands in.

    Args:
        location: As pydantic gives it: where a list has several kinds of tables, with the kind as a step.
        model: The model of the whole document.

    Returns:
        The steps that stand in the file, and the model of the table that the last of them is a key of.
    """
    steps: list[int | str] = []
    kinds: Mapping[object, type[BaseModel]] = {}
    inner = model
    for step in location:
        if step in kinds:
            inner, kinds = kinds[step], {}
            continue
        steps.append(step)
        model = inner
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                found = _models_in(field.annotation)
                inner = found[0] if found else model
                kinds = {_kind_of(each): each for each in found} if len(found) > 1 else {}
    return tuple(steps), model


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _kind_of(model: type[BaseModel]) -> object:
    """Return the text by which a file says that a table is of this model."""
    texts = (get_args(field.annotation) for field in model.model_fields.values())
    return next((values[0] for values in texts if len(values) == 1 and isinstance(values[0], str)), None)
