"""Paths and URIs that a configuration may name: all of them lie under its declared roots."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from headrace.errors import UsageError
from headrace.settings.model import Settings

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# Hadoop expands these, so that one path could become several, elsewhere.
_PATTERN = re.compile(r"[*?\[\]{}\\]")
_ENCODED = re.compile(r"%(2e|2f|5c|25|00)", re.IGNORECASE)
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@")


def resolve_path(settings: Settings, text: str) -> str:
    """The absolute path or URI that `text` names, with symbolic links resolved.

    Args:
        settings: Gives the declared roots, and the project that relative paths start from.
        text: A path relative to the project, an absolute path, or a URI (`s3a://bucket/table`).

    Raises:
        UsageError: It cannot name one place, or that place is outside the declared roots.
    """
    location = locate(settings.project, text)
    roots = settings.roots or ([settings.lake] if settings.lake else [])
    if not any(_is_under(location, locate(settings.project, root)) for root in roots):
        declared = ", ".join(_shown(root) for root in roots) or "none"
        message = f"path {_shown(text)} is outside the declared roots ({declared})"
        raise UsageError(message, "add its place to `roots` in the configuration")
    return location


def locate(project: Path, text: str) -> str:
    """The absolute path or normalised URI that `text` names.

    Raises:
        UsageError: It cannot name one place.
    """
    if not text.strip():
        raise UsageError("a path is empty")
    if _CONTROL.search(text):
        raise UsageError(f"path {_shown(text)} holds a control character")
    if _PASSWORD.search(text):
        raise UsageError(f"path {_shown(text)} holds a password", "give credentials in spark.conf: ${env:NAME}")
    if _PATTERN.search(text):
        raise UsageError(f"path {_shown(text)} must name one place, without any of * ? [ ] {{ }} \\")
    if text.startswith("~"):
        raise UsageError(f"path {_shown(text)} begins with '~', which is not expanded", "write the full path")
    if not _URI.match(text):
        return os.path.realpath(project / text)
    try:
        scheme, authority, path, _, _ = urlsplit(text)
    except ValueError:
        raise UsageError(f"path {_shown(text)} is not a URI") from None
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or _ENCODED.search(text):
        raise UsageError(f"path {_shown(text)} is outside the declared roots: a URI may not climb with '..'")
    if "#" in text or (path and not path.startswith("/")):
        raise UsageError(f"path {_shown(text)} is not a URI of the form scheme://place/path")
    absolute = "/" + "/".join(parts)
    if scheme != "file":
        return f"{scheme}://{authority}{absolute}".rstrip("/") if authority else f"{scheme}:{absolute}"
    if authority not in ("", "localhost"):
        raise UsageError(f"path {_shown(text)} names a file on another machine")
    return os.path.realpath(absolute)


def _is_under(location: str, root: str) -> bool:
    return location == root or location.startswith(root.rstrip("/") + "/")


def _shown(text: str) -> str:
    """A path for messages: without credentials and on one line."""
    return repr(_PASSWORD.sub("//***@", text).split("?")[0])
