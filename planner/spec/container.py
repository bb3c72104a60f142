"""The container of a run: a program and its surroundings (reference, section 10.10; Kubernetes container)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from planner.spec.clashes import Clash, Said, refuse
from planner.spec.shape import (
    Arguments,
    Count,
    Printed,
    Section,
    Whole,
    fault,
    is_template,
    printed,
)
from planner.spec.words import kind_of, short

__all__ = ["Container", "EnvVar", "ExecAction", "HttpGetAction", "ReadinessProbe", "Resources", "TcpSocketAction"]

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_QUANTITY = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][-+]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?|\.[0-9]{1,30}")


def _variable(value: object, at: tuple[str | int, ...] = ()) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", at=at)
    if not _VARIABLE.fullmatch(value):
        hint = "use letters, digits, `_`, `-` and `.`, not starting with a digit"
        raise fault("PL-208", f"`{short(value)}` is not the name of a variable", hint, at)
    return value


class EnvVar(Section, identity="name value"):
    """A variable of the environment. Numbers and booleans are taken as they print in JSON."""

    name: Annotated[str, PlainValidator(_variable)]
    value: Printed = ""


def _env(value: object) -> object:
    if isinstance(value, dict):
        faults: list[PydanticCustomError] = []
        entries = [_entry(name, text, faults) for name, text in value.items()]
        refuse(faults)
        return entries
    return value


def _entry(name: object, text: object, faults: list[PydanticCustomError]) -> dict[str, str]:
    at = (str(name),)
    try:
        return {"name": _variable(name, at), "value": printed(text, at)}
    except PydanticCustomError as error:
        faults.append(error)
        return {}


def _quantity(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise fault("PL-203", f"{{field}} must be an amount, not {kind_of(value)}")
    text = printed(value)
    if not is_template(text) and not _QUANTITY.fullmatch(text):
        raise fault("PL-204", f"`{short(text)}` is not an amount", "write a number, or one with a unit: 500m, 2Gi")
    return text


Amounts = dict[str, Annotated[str, PlainValidator(_quantity)]]
"""Amounts as text by resource name: `cpu`, `memory`, `nvidia.com/gpu`, …."""


class Resources(Section, identity="requests limits"):
    """What a container asks for; limits fill the gaps of requests (reference, section 11.7)."""

    requests: Amounts | None = None
    limits: Amounts | None = None


def _port(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault("PL-203", f"{{field}} must be a port number, not {kind_of(value)}")
    if not 1 <= value <= 65_535:
        raise fault("PL-204", f"{value} is not a port", "use 1 to 65535")
    return value


class HttpGetAction(Section, identity="path port"):
    """Ready when GET answers 200 to 399."""

    path: str = "/"
    port: Annotated[int, PlainValidator(_port)]


class TcpSocketAction(Section, identity="port"):
    """Ready when the port takes a connection."""

    port: Annotated[int, PlainValidator(_port)]


class ExecAction(Section, identity="command"):
    """Ready when the command ends with 0."""

    command: Annotated[Arguments, Field(min_length=1)]


_WAYS = ("httpGet", "tcpSocket", "exec")


class ReadinessProbe(
    Section,
    identity="http_get tcp_socket exec period_seconds timeout_seconds failure_threshold initial_delay_seconds",
):
    """When a service is ready: the Kubernetes field, exactly one of `httpGet`, `tcpSocket` and `exec`.

    Numbers that are None were not written; the backend chooses.
    """

    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    exec: ExecAction | None = None
    period_seconds: Count | None = None
    timeout_seconds: Count | None = None
    failure_threshold: Count | None = None
    initial_delay_seconds: Whole | None = None

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """No way to probe, or several."""
        ways = said.given(*_WAYS)
        message = "a probe takes exactly one of `httpGet`, `tcpSocket` and `exec`"
        if not ways:
            yield (), fault("PL-202", message, at=("httpGet",), unless=(*_WAYS, "grpc"))
        for way in ways[1:]:
            yield (), fault("PL-209", message, "remove all but one", (way,))


class Container(Section, identity="image command args env working_dir resources readiness_probe", inert="name"):
    """What a run executes."""

    name: str | None = None
    """Taken and not used: the main container has a name of its own."""
    image: str | None = None
    command: Arguments | None = None
    args: Arguments | None = None
    """A string that is one template may become several words."""
    env: Annotated[tuple[EnvVar, ...], BeforeValidator(_env)] | None = None
    """Written as a list of name and value, or as a mapping. Of equal names the last one holds."""
    working_dir: str | None = None
    resources: Resources | None = None
    readiness_probe: ReadinessProbe | None = None

    def variables(self) -> dict[str, str]:
        """The environment by name."""
        return {entry.name: entry.value for entry in self.env or ()}
