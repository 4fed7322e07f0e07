"""Compiled where numba is there, plain where it is not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from numba import njit
except ImportError:  # the numpy flavour never calls what would have been compiled
    njit = None  # type: ignore[assignment]

Integers = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HAS_NUMBA = njit is not None


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function as machine code, kept on disk for the next process."""
    return njit(cache=True, nogil=True)(function) if njit is not None else function
