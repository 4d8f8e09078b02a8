"""Kernels as plain Python: NUMBA_DISABLE_JIT=1, for coverage and debuggers.

Numba reads a record's field as an attribute; NumPy does so only for `np.record`, and even there
`tick.size` is the number of elements. So the arrays of a kernel are wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Row:
    """One record with its fields as attributes.

    Fields are Python numbers, because Numba widens an int32 where NumPy would overflow.

    Args:
        record: A view into its array; assignments write through.
    """

    __slots__ = ("_record",)

    def __init__(self, record: np.void) -> None:
        object.__setattr__(self, "_record", record)

    def __getattr__(self, name: str) -> Any:
        return self._record[name].item()

    def __setattr__(self, name: str, value: Any) -> None:
        self._record[name] = value


class Rows:
    """A structured array whose elements are `Row`s.

    Args:
        records: One or two dimensions.
    """

    __slots__ = ("_records", "shape")

    def __init__(self, records: NDArray[np.void]) -> None:
        self._records = records
        self.shape = records.shape

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Row | Rows:
        found = self._records[index]
        return Rows(found) if isinstance(found, np.ndarray) else Row(found)


def interpreted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a kernel's body run on ordinary NumPy arrays.

    Args:
        function: A kernel's body.

    Returns:
        A function with the same arguments.
    """

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return function(*(Rows(a) if _is_structured(a) else a for a in arguments))

    return call


def _is_structured(argument: Any) -> bool:
    return isinstance(argument, np.ndarray) and argument.dtype.names is not None
