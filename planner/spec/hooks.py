"""Hooks: what follows a run, whatever became of it (reference, section 10.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from planner.spec.params import Param
from planner.spec.references import HubRef, QueueName
from planner.spec.shape import BoolOrTemplate, Names, OrTemplate, Section

__all__ = ["Hook", "HookParam", "HookTrigger", "Hooks"]

HookTrigger = Literal["succeeded", "failed", "stopped", "skipped", "upstream_failed", "done"]
"""Ends of a run that a hook waits for; `done` is any of them."""


class HookParam(Param, live="value ref context_only connection to_init to_env"):
    """A param of a hook: a hook that changes is no reason to run again what it follows."""


HookParams = dict[str, HookParam]
"""Params of a hook by name, in either form."""


class Hook(Section, live="hub_ref trigger conditions connection params disable_defaults presets queue namespace"):
    """A run of its own that starts once when another one is done."""

    hub_ref: HubRef
    """The component that runs, from a hub."""
    trigger: HookTrigger | None = None
    """The end that it waits for; `done`, which is any of them, by default."""
    conditions: str | None = None
    """An expression or a template that must be true, with the outputs of the run; without it the trigger decides."""
    connection: str | None = None
    """A connection that it is given."""
    params: Annotated[HookParams | str, OrTemplate(HookParams)] | None = None
    """Values for the inputs of the component."""
    disable_defaults: BoolOrTemplate | None = None
    """Whether name, uuid, status, outputs and the like of the run stay out of its params; false by default."""
    presets: Names | None = None
    """Presets that are merged into it."""
    queue: QueueName | None = None
    """The queue that it waits in; the default one by default."""
    namespace: str | None = None
    """The namespace that it runs in; the daemon's by default."""


Hooks = tuple[Hook, ...]
"""All hooks of a run."""
