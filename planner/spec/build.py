"""Build: an image that is made before a run, and that the run then uses (reference, section 10.4)."""

from __future__ import annotations

from typing import Annotated, Any

from planner.spec.cache import Cache
from planner.spec.params import Params
from planner.spec.presets import PatchStrategy
from planner.spec.references import HubRef, QueueName
from planner.spec.shape import Names, OrTemplate, Section

__all__ = ["Build"]


class Build(
    Section,
    identity="hub_ref connection params run_patch patch_strategy presets",
    live="queue namespace cache",
):
    """A run of its own, before the run. Its image is the image of the run."""

    hub_ref: HubRef
    """The component that builds, from a hub."""
    connection: str | None = None
    """The registry that the image is pushed to."""
    params: Params | None = None
    """Values for the inputs of the component; `destination` is named by project and run unless it is given."""
    run_patch: dict[str, Any] | None = None
    """What is merged over the component's `run`."""
    patch_strategy: Annotated[PatchStrategy | str, OrTemplate(PatchStrategy)] | None = None
    """How it is merged; `post_merge` by default."""
    presets: Annotated[Names | str, OrTemplate(Names)] | None = None
    """Presets that are merged into it."""
    queue: QueueName | None = None
    """The queue that it waits in; the default one by default."""
    namespace: str | None = None
    """The namespace that it runs in; the daemon's by default."""
    cache: Annotated[Cache | str, OrTemplate(Cache)] | None = None
    """Whether an image that was built before is used again."""
