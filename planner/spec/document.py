"""What components and operations share (reference, section 2)."""

from __future__ import annotations

from typing import Annotated

from planner.spec.build import Build
from planner.spec.cache import Cache
from planner.spec.hooks import Hooks
from planner.spec.mount import Mounts
from planner.spec.numbers import NumberOrTemplate
from planner.spec.plugins import Plugins
from planner.spec.references import QueueName
from planner.spec.shape import BoolOrTemplate, Name, Names, OrTemplate, Section
from planner.spec.template_section import TemplateSection
from planner.spec.termination import Termination
from planner.spec.version import Version

__all__ = ["DocumentFields"]


class DocumentFields(
    Section,
    identity="name build mount",
    live="queue namespace cache termination plugins hooks is_approved template",
    inert="version description tags presets cost",
):
    """Fields of a component that an operation may have too; where both have one, they are merged.

    `namespace` is live as `queue` is: both say where a run is put, and what it gives does not depend on it.
    """

    version: Version | None = None
    """1.1. Required at the top of a document only."""
    name: Name | None = None
    """What it is called; the operation's name holds before the component's."""
    description: str | None = None
    """For people."""
    tags: Names | None = None
    """Words to find its runs by; those of the operation are added to those of the component."""
    presets: Names | None = None
    """Names of presets that are merged into it, the later ones over the earlier."""
    queue: QueueName | None = None
    """The queue that it waits in, `queue` or `agent/queue`; the default one by default."""
    namespace: str | None = None
    """The namespace that it runs in, one that the daemon allows; the daemon's own by default."""
    cache: Annotated[Cache | str, OrTemplate(Cache)] | None = None
    """Whether results of earlier runs are used again."""
    termination: Annotated[Termination | str, OrTemplate(Termination)] | None = None
    """When it is tried again, and when it is cut off."""
    plugins: Annotated[Plugins | str, OrTemplate(Plugins)] | None = None
    """What is added to it beside its program."""
    build: Annotated[Build | str, OrTemplate(Build)] | None = None
    """An image that is made before it and that it uses; not for DAGs."""
    hooks: Annotated[Hooks | str, OrTemplate(Hooks)] | None = None
    """What follows it, whatever became of it."""
    is_approved: BoolOrTemplate | None = None
    """false for a run that waits until somebody approves it; true by default."""
    cost: NumberOrTemplate | None = None
    """What a run costs, for reports; unknown by default."""
    mount: Mounts | None = None
    """Local files that are uploaded before it: `from:to`, `from`, or a mapping of both."""
    template: TemplateSection | None = None
    """Marks a document that is to be filled in first."""
