"""How components outside of a document are named: in a hub, at a URL, by path (reference, section 4).

Decides the spelling of references; what they lead to is compile's question.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema

from planner.spec.shape import fault, is_template
from planner.spec.words import kind_of, short

__all__ = ["HUB_NAME", "HubRef", "PathRef", "QueueName", "UrlRef"]

_LONGEST = 2_000
_PART = r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}"
HUB_NAME = re.compile(rf"(?:(?P<owner>{_PART})/)?(?P<name>{_PART})(?::(?P<version>{_PART}))?", re.ASCII)
"""`name`, `name:version` or `owner/name:version`, in its parts."""
_HUB_PATTERN = rf"^(?:{_PART}/)?{_PART}(?::{_PART})?$"
_QUEUE_PART = re.compile(r"[-a-zA-Z0-9_]{1,128}")


def _text(value: object) -> str:
    """Text that is no template: references are followed before templates are read."""
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if is_template(value):
        message = "{field} cannot be a template: components are found before templates are read"
        raise fault("PL-406", message, "write it out")
    return value


def _hub(value: object) -> str:
    text = _text(value)
    if not HUB_NAME.fullmatch(text):
        hint = "write `name`, `name:version`, or `owner/name:version`"
        raise fault("PL-208", f"`{short(text)}` names no component of a hub", hint)
    return text


HubRef = Annotated[str, PlainValidator(_hub), WithJsonSchema({"type": "string", "pattern": _HUB_PATTERN})]
"""A component of a hub: `name`, `name:version` or `owner/name:version`."""


def _url(value: object) -> str:
    text = _text(value)
    hint = "write a URL such as https://host/component.yaml"
    if len(text) > _LONGEST or not text.isascii() or re.search(r"[\x00-\x20]", text):
        raise fault("PL-204", f"`{short(text)}` is not a URL", hint)
    try:
        parts = urlsplit(text)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise fault("PL-204", f"`{short(text)}` is not an http or https URL", hint)
    if parts.username is not None or parts.password is not None:
        raise fault("PL-204", "a URL in a spec must not hold a user or a password", "remove what is before the `@`")
    return text


_URL = {"type": "string", "format": "uri", "pattern": "^[hH][tT][tT][pP][sS]?://[!-~]+$", "maxLength": _LONGEST}
UrlRef = Annotated[str, PlainValidator(_url), WithJsonSchema(_URL)]
"""URL of a component's file."""


def _path(value: object) -> str:
    text = _text(value)
    if not text or text.startswith("/") or "\\" in text:
        raise fault("PL-204", "{field} must be a relative path", "write it relative to the folder of this file")
    return text


PathRef = Annotated[str, PlainValidator(_path), WithJsonSchema({"type": "string", "pattern": r"^[^/\\][^\\]*$"})]
"""Path of a component's file, relative to the folder of the one that it is written in."""


def _queue(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if is_template(value):
        return value
    parts = value.replace(".", "/").split("/")
    if len(parts) > 2 or not all(_QUEUE_PART.fullmatch(part) for part in parts):
        raise fault("PL-208", f"`{short(value)}` is not a queue", "write `queue` or `agent/queue`")
    return value


_QUEUE = {"type": "string", "anyOf": [{"pattern": r"^[-\w]+([./][-\w]+)?$"}, {"pattern": r"\{\{[\s\S]+\}\}"}]}
QueueName = Annotated[str, PlainValidator(_queue), WithJsonSchema(_QUEUE)]
"""`queue` or `agent/queue`; a dot counts as the slash. Text with a template is checked when it is known."""
