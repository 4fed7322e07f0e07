"""YAML text to values that know where they stand. Scalars stay text until their declared type is known."""

from headrace.documents.document import Document, Place, Position
from headrace.documents.loading import Limits, load, read
from headrace.documents.scalars import Scalar, native

__all__ = ["Document", "Limits", "Place", "Position", "Scalar", "load", "native", "read"]
