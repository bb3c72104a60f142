"""When a program is ready: the readiness probe of Kubernetes (reference, section 10.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainValidator, WithJsonSchema

from planner.spec.clashes import Clash, Said
from planner.spec.kubernetes import Kubernetes
from planner.spec.needed import any_of
from planner.spec.shape import TEMPLATE, Arguments, CountOrTemplate, Section, WholeOrTemplate, fault, is_template
from planner.spec.words import kind_of, short

__all__ = ["ExecAction", "HttpGetAction", "ReadinessProbe", "TcpSocketAction"]

_NAME = re.compile(r"(?=[0-9-]{0,14}[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?")


def _port(value: object) -> int | str:
    if isinstance(value, str) and (is_template(value) or _NAME.fullmatch(value)):
        return value
    if isinstance(value, str) and not value.isdigit():
        raise fault("PL-204", f"`{short(value)}` is not the name of a port", "use the `name` of a container's port")
    if isinstance(value, bool) or not isinstance(value, int):
        hint = "remove the quotes" if isinstance(value, str) else ""
        raise fault("PL-203", f"{{field}} must be a port number, not {kind_of(value)}", hint)
    if not 1 <= value <= 65_535:
        raise fault("PL-204", f"{value} is not a port", "use 1 to 65535")
    return value


_PORT = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65_535}, {"type": "string", "maxLength": 15}, TEMPLATE]}
Port = Annotated[int | str, PlainValidator(_port), WithJsonSchema(_PORT)]
"""A number, the name of one of the container's ports, or a template."""


class HttpGetAction(Section, identity="path port host scheme http_headers"):
    """Ready when GET answers 200 to 399."""

    path: str = "/"
    """The path that is asked for."""
    port: Port
    """The port of the program, by number or by its name in `ports`."""
    host: str | None = None
    """The host that is asked; the program's own address by default."""
    scheme: Annotated[str, Kubernetes("|HTTP|HTTPS|")] | None = None
    """`HTTP` or `HTTPS`; `HTTP` by default."""
    http_headers: Annotated[list[Any] | str, Kubernetes("HTTPHeader[]")] | None = None
    """Further headers of the request, each with `name` and `value`."""


class TcpSocketAction(Section, identity="port host"):
    """Ready when the port takes a connection."""

    port: Port
    """The port of the program, by number or by its name in `ports`."""
    host: str | None = None
    """The host that is asked; the program's own address by default."""


class ExecAction(Section, identity="command"):
    """Ready when the command ends with 0."""

    command: Annotated[Arguments, Field(min_length=1)]
    """The command and its arguments."""


_WAYS = ("httpGet", "tcpSocket", "exec", "grpc")
_LISTED = "`httpGet`, `tcpSocket`, `exec` and `grpc`"


class ReadinessProbe(
    Section,
    identity="http_get tcp_socket exec grpc period_seconds timeout_seconds failure_threshold success_threshold "
    "initial_delay_seconds termination_grace_period_seconds",
):
    """When a service is ready: the Kubernetes field, exactly one of `httpGet`, `tcpSocket`, `exec` and `grpc`.

    Numbers that are None were not written; the backend chooses.
    """

    model_config = ConfigDict(json_schema_extra=any_of(*_WAYS))

    http_get: HttpGetAction | None = None
    """Asks by HTTP."""
    tcp_socket: TcpSocketAction | None = None
    """Opens a connection."""
    exec: ExecAction | None = None
    """Runs a command beside the program."""
    grpc: Annotated[dict[str, Any] | str, Kubernetes("GRPCAction")] | None = None
    """Asks the health service of gRPC: `port`, and `service` where it has several."""
    period_seconds: CountOrTemplate | None = None
    """Seconds between two looks; 1 by default here, 10 on Kubernetes."""
    timeout_seconds: CountOrTemplate | None = None
    """Seconds that one look may take; 1 by default."""
    failure_threshold: CountOrTemplate | None = None
    """Looks in a row that must fail before the program counts as not ready; 3 by default."""
    success_threshold: CountOrTemplate | None = None
    """Looks in a row that must succeed before it counts as ready again; 1 by default."""
    initial_delay_seconds: WholeOrTemplate | None = None
    """Seconds before the first look; 0 by default."""
    termination_grace_period_seconds: CountOrTemplate | None = None
    """Seconds to end that a program has which a probe stopped; for Kubernetes."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """No way to probe, or several."""
        ways = said.given(*_WAYS)
        message = f"a probe takes exactly one of {_LISTED}"
        if not ways:
            yield (), fault("PL-202", message, at=("httpGet",), unless=_WAYS)
        for way in ways[1:]:
            yield (), fault("PL-209", message, "remove all but one", (way,))
