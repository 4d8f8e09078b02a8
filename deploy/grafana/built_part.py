"""BuiltPart parts, for a library that asks for builders of parts."""

from __future__ import annotations

from typing import TypeVar

from grafana_foundation_sdk.cog.builder import Builder
from typing_extensions import override

Part = TypeVar("Part")


class BuiltPart(Builder[Part]):
    """A part that is built already.

    Args:
        part: The part.
    """

    def __init__(self, part: Part) -> None:
        self._part = part

    @override
    def build(self) -> Part:
        """Return the part."""
        return self._part
