"""Where artifacts are kept beside this machine: part of the configuration. Nothing here opens what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from planner.spec.clashes import Clash, Said, fault
from planner.spec.shape import Duration, Section
from planner.spec.words import short

__all__ = ["ArtifactsStore"]

_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s?#\x00-\x1f]*")
_SECRET = re.compile(r"secret|passw|token|credential|private|account_key|connection_string", re.IGNORECASE)
"""Names of options that hold what nobody but the store should read."""

_NAMED = "name what holds it in optionFiles or optionVariables"


def _url(value: str) -> str:
    if not _URL.fullmatch(value) or value.endswith("://"):
        hint = "such as s3://bucket/prefix or file:///srv/artifacts"
        raise fault("PL-204", "{field} must be a URL with a protocol and without a query", hint)
    if ":" in value.partition("://")[2].partition("/")[0].rpartition("@")[0]:
        raise fault("PL-204", "{field} must not hold a password", _NAMED)
    return value


def _hour(value: timedelta) -> timedelta:
    if value < timedelta(hours=1):
        raise fault("PL-204", "{field} must be an hour or more", "what comes next reads it from here")
    return value


class ArtifactsStore(Section):
    """A place that copies of all artifacts go to. Secrets are named here and never held."""

    url: Annotated[str, AfterValidator(_url)]
    """A URL that fsspec knows, such as `s3://bucket/prefix`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the file system, by name."""
    option_files: dict[str, Path] = Field(default_factory=dict)
    """Options whose value is the content of a file, which others must not be able to read."""
    option_variables: dict[str, str] = Field(default_factory=dict)
    """Options whose value is a variable of the daemon's environment."""

    keep_local: Annotated[Duration, AfterValidator(_hour)] | None = None
    """How long after its end what a run left stays on this machine too; as long as the run when left out."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Each option once, and no secret among those that stand in the file."""
        named = {name: _keys(said[name]) for name in ("options", "optionFiles", "optionVariables")}
        for first, second in (("options", "optionFiles"), ("options", "optionVariables"), _FILES_AND_VARIABLES):
            for name in sorted(named[first] & named[second]):
                message = f"the option `{short(name)}` is given twice"
                yield (first, second), fault("PL-211", message, "keep one of them", (second, name))
        for path in _secrets(said["options"], ()):
            message = f"the option `{short(path[-1])}` is a secret, and must not stand in the configuration"
            yield ("options",), fault("PL-204", message, _NAMED, ("options", *path))


_FILES_AND_VARIABLES = ("optionFiles", "optionVariables")


def _keys(value: Any) -> set[str]:
    return {str(name) for name in value} if isinstance(value, Mapping) else set()


def _secrets(value: Any, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, one in value.items() if isinstance(value, Mapping) else ():
        if _SECRET.search(str(name)):
            yield (*at, str(name))
        else:
            yield from _secrets(one, (*at, str(name)))
