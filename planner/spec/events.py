"""Events and triggers: what else than the clock starts an operation (reference, section 16)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from planner import keys
from planner.spec import globs
from planner.spec.filled import Filled
from planner.spec.shape import TEMPLATE, OrTemplate, Section, fault, is_template
from planner.spec.words import kind_of, nearest, short

__all__ = ["COMMIT", "EVENT_KINDS", "RUN_STATUS", "EventTrigger", "Events", "Trigger"]

RUN_STATUS = "run_status_"
"""How the kinds begin that are statuses of a run."""

COMMIT = "connection_git_commit"
"""The kind of a commit of the branch that is followed."""

_STATUSES = (
    "created", "resuming", "compiled", "on_schedule", "queued", "scheduled", "starting", "running", "processing",
    "stopping", "failed", "stopped", "succeeded", "skipped", "warning", "unschedulable", "upstream_failed", "retrying",
    "unknown", "done",
)  # fmt: skip
EVENT_KINDS: tuple[str, ...] = (
    *(RUN_STATUS + status for status in _STATUSES),
    *("run_approved_actor", "run_invalidated_actor", "run_new_artifacts"),
    *("connection_git_commit", "connection_dataset_version", "connection_registry_image"),
    *("alert_info", "alert_warning", "alert_critical"),
    *("model_version_new_metric", "project_custom_event", "org_custom_event"),
)
"""Every kind of an event. Which of them have a source here is said in `planner.model.events.has_source`."""

Trigger = Literal["all_succeeded", "all_failed", "all_done", "one_succeeded", "one_failed", "one_done"]
"""What the operations before it must have come to; `all_succeeded` by default."""


_NAMED = {"ops": "ops.NAME", "runs": "runs.NAME"}
"""Sources that are operations, and how one is written."""
_LONGEST = 200


def _event_kind(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if value not in EVENT_KINDS and not is_template(value):
        raise fault("PL-204", f"unknown kind `{short(value)}` of an event", lambda: _meant(value))
    return value


def _meant(written: str) -> str:
    near = nearest(written, EVENT_KINDS)
    return f"did you mean `{near}`?" if near else "write `run_status_` and a status, such as `run_status_running`"


EventKind = Annotated[
    str, PlainValidator(_event_kind), WithJsonSchema({"anyOf": [{"enum": list(EVENT_KINDS)}, TEMPLATE]})
]


def _ref(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if is_template(value):
        bare = value.strip().removeprefix("{{").removesuffix("}}").strip()
        hint = f"write `{short(bare)}`, without braces" if bare.startswith("ops.") else "write `ops.NAME`"
        raise fault("PL-204", "{field} is a name, never a template", hint)
    source, _, name = value.partition(".")
    if not value or len(value) > _LONGEST or (source in _NAMED and not keys.SEGMENT.fullmatch(name)):
        raise fault(
            "PL-204", f"`{short(value)}` is not the source of an event", f"write `{_NAMED.get(source, 'ops.NAME')}`"
        )
    return value


def _glob(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if wrong := globs.fault_of(value):
        raise fault("PL-204", f"`{short(value)}` is no pattern of paths: {wrong}")
    return value


Glob = Annotated[str, PlainValidator(_glob), WithJsonSchema({"type": "string", "minLength": 1})]


class EventTrigger(Section, identity="kinds ref paths"):
    """Events of one source that start the operation."""

    kinds: Annotated[tuple[EventKind, ...], Filled()]
    """Which events, such as `run_status_running`; those without a source here are taken and never happen."""
    ref: Annotated[str, PlainValidator(_ref), WithJsonSchema({"type": "string", "minLength": 1})]
    """Where they come from: `ops.NAME` for an operation of the same DAG, `runs.NAME` for one of the project,
    `repository` for commits of the branch that is followed, or the name that whoever sends them gives."""
    paths: Annotated[tuple[Glob, ...], Filled()] | None = None
    """Of commits, those that touch a path that fits one of these globs; all of them by default."""

    @property
    def operation(self) -> str:
        """The operation that they come from; "" for another source."""
        return self.ref[4:] if self.ref.startswith("ops.") else ""


Events = Annotated[tuple[EventTrigger, ...] | str, OrTemplate(tuple[EventTrigger, ...])]
"""All events of an operation, or text with a template."""
