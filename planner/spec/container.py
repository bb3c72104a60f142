"""The container of a run: a program and its surroundings (reference, section 10.10; Kubernetes container).

What is understood here has types of its own; everything else that Kubernetes has is plain data for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from planner.spec.clashes import Clash, Said, refuse
from planner.spec.kubernetes import Kubernetes
from planner.spec.probe import ExecAction, HttpGetAction, ReadinessProbe, TcpSocketAction
from planner.spec.shape import (
    SCALAR,
    Arguments,
    BoolOrTemplate,
    OrTemplate,
    Printed,
    Section,
    fault,
    is_template,
    printed,
)
from planner.spec.words import kind_of, short

__all__ = ["Container", "EnvVar", "ExecAction", "HttpGetAction", "ReadinessProbe", "Resources", "TcpSocketAction"]

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_VARIABLE_SCHEMA: JsonSchemaValue = {"type": "string", "pattern": f"^{_VARIABLE.pattern}$"}
_QUANTITY = re.compile(r"[0-9]{1,30}(?:\.[0-9]{0,30})?(?:[eE][-+]?[0-9]{1,3}|[numkMGTPE]|[KMGTPE]i)?|\.[0-9]{1,30}")


def _variable(value: object, at: tuple[str | int, ...] = ()) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", at=at)
    if not _VARIABLE.fullmatch(value):
        hint = "use letters, digits, `_`, `-` and `.`, not starting with a digit"
        raise fault("PL-208", f"`{short(value)}` is not the name of a variable", hint, at)
    return value


class EnvVar(Section, identity="name value value_from"):
    """A variable of the environment. Numbers and booleans are taken as they print in JSON."""

    name: Annotated[str, PlainValidator(_variable), WithJsonSchema(_VARIABLE_SCHEMA)]
    """What the program finds it by."""
    value: Printed = ""
    """Its text; empty by default."""
    value_from: Annotated[dict[str, Any] | str, Kubernetes("EnvVarSource")] | None = None
    """Where Kubernetes finds its text, instead of `value`: a key of a secret or config map, a field of the pod."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Two values."""
        if said.given("value", "valueFrom") == ["value", "valueFrom"] and said["value"] != "":
            hint = "remove one of them"
            yield (), fault("PL-209", "a variable has either `value` or `valueFrom`", hint, ("valueFrom",))


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


_Named = WithJsonSchema({"type": "object", "propertyNames": _VARIABLE_SCHEMA, "additionalProperties": SCALAR})
_Env = tuple[EnvVar, ...] | Annotated[dict[str, Printed], _Named]
"""The forms that variables are written in."""


def _quantity(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise fault("PL-203", f"{{field}} must be an amount, not {kind_of(value)}")
    text = printed(value)
    if not is_template(text) and not _QUANTITY.fullmatch(text):
        raise fault("PL-204", f"`{short(text)}` is not an amount", "write a number, or one with a unit: 500m, 2Gi")
    return text


_AMOUNT = WithJsonSchema({"type": ["string", "number"]})
Amounts = dict[str, Annotated[str, PlainValidator(_quantity), _AMOUNT]]
"""Amounts as text by resource name: `cpu`, `memory`, `nvidia.com/gpu`, …."""


class Resources(Section, identity="requests limits claims"):
    """What a container asks for; limits fill the gaps of requests (reference, section 11.7)."""

    requests: Amounts | None = None
    """What is set aside for it, by resource name."""
    limits: Amounts | None = None
    """The most that it may use, by resource name."""
    claims: Annotated[list[Any] | str, Kubernetes("ResourceClaim[]")] | None = None
    """Devices that Kubernetes allocates for it, by the name of their claim."""


PullPolicy = Literal["Always", "IfNotPresent", "Never"]
"""When an image is pulled."""
_Object = dict[str, Any] | str
_Objects = list[Any] | str


class Container(
    Section,
    identity="image command args env working_dir resources readiness_probe env_from ports volume_mounts volume_devices "
    "lifecycle liveness_probe startup_probe security_context stdin stdin_once tty",
    live="image_pull_policy restart_policy restart_policy_rules resize_policy termination_message_path "
    "termination_message_policy",
    inert="name",
):
    """What a run executes, and what else Kubernetes knows of it."""

    name: str | None = None
    """Taken and not used: the main container has a name of its own."""
    image: str | None = None
    """The image that it is made from."""
    command: Arguments | None = None
    """The program and its first arguments; what the image says by default."""
    args: Arguments | None = None
    """A string that is one template may become several words."""
    env: Annotated[tuple[EnvVar, ...], BeforeValidator(_env, json_schema_input_type=_Env)] | None = None
    """Written as a list of name and value, or as a mapping. Of equal names the last one holds."""
    working_dir: str | None = None
    """The folder that it starts in; the run's own by default."""
    resources: Resources | None = None
    """What it asks for."""
    readiness_probe: ReadinessProbe | None = None
    """When it is ready; once it stays up, by default."""
    env_from: Annotated[_Objects, Kubernetes("EnvFromSource[]")] | None = None
    """Secrets and config maps of the cluster whose keys become variables."""
    ports: Annotated[_Objects, Kubernetes("ContainerPort[]")] | None = None
    """Ports that it listens on: `containerPort`, and a `name`. A service without `ports` of its own has these."""
    volume_mounts: Annotated[_Objects, Kubernetes("VolumeMount[]")] | None = None
    """Which of the run's volumes it sees, and where: `name` and `mountPath`."""
    volume_devices: Annotated[_Objects, Kubernetes("VolumeDevice[]")] | None = None
    """Which of the run's volumes it sees as devices, and where."""
    lifecycle: Annotated[_Object, Kubernetes("Lifecycle")] | None = None
    """What is done after it has started and before it is stopped."""
    liveness_probe: Annotated[_Object, Kubernetes("Probe")] | None = None
    """When it counts as stuck and is started again."""
    startup_probe: Annotated[_Object, Kubernetes("Probe")] | None = None
    """When it has started, before any other probe looks."""
    security_context: Annotated[_Object, Kubernetes("SecurityContext")] | None = None
    """The user that it runs as, and what it may do."""
    image_pull_policy: Annotated[PullPolicy | str, OrTemplate(PullPolicy)] | None = None
    """When its image is pulled; Kubernetes decides by the tag by default."""
    restart_policy: str | None = None
    """Of an init container: `Always` makes it a sidecar."""
    restart_policy_rules: Annotated[_Objects, Kubernetes("ContainerRestartRule[]")] | None = None
    """After which exit codes it is started again."""
    resize_policy: Annotated[_Objects, Kubernetes("ContainerResizePolicy[]")] | None = None
    """Whether it is started again when its resources change."""
    stdin: BoolOrTemplate | None = None
    """Whether its standard input is kept open; false by default."""
    stdin_once: BoolOrTemplate | None = None
    """Whether its standard input is closed after the first that wrote to it; false by default."""
    tty: BoolOrTemplate | None = None
    """Whether it has a terminal; false by default."""
    termination_message_path: str | None = None
    """The file that it may leave its last words in."""
    termination_message_policy: Annotated[str, Kubernetes("|File|FallbackToLogsOnError|")] | None = None
    """Whether the end of its log stands in for a missing file."""

    def variables(self) -> dict[str, str]:
        """The environment by name, without what Kubernetes looks up."""
        last = {entry.name: entry for entry in self.env or ()}
        return {name: entry.value for name, entry in last.items() if entry.value_from is None}
