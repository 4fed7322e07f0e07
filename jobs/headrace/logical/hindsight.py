"""Events as one looks back at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headrace.logical import Rows


@dataclass(frozen=True, slots=True)
class Hindsight:
    """Every event counts from its own time on, whenever it became visible: what labels look at."""

    input: Rows
