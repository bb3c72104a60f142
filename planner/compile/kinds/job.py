"""`job`, and the kinds that are jobs with a purpose: `notifier`, `cleaner`, `tuner` (reference, section 11.1)."""

from __future__ import annotations

from planner.compile.code import code_of
from planner.compile.container import annotations_of, labels_of, lower_container
from planner.compile.ground import Ground
from planner.compile.origin import warning
from planner.compile.pod import pod_of
from planner.model.gang import Gang, Replica
from planner.spec.run import CleanerJob, Job, NotifierJob, TunerJob

__all__ = ["lower"]


def lower(said: Job | NotifierJob | CleanerJob | TunerJob, ground: Ground) -> Gang | None:
    """The gang of a job, its texts as written; None with a problem where it has no container.

    Args:
        said: the run.
        ground: where it is written, and what may be looked at.
    """
    code = code_of(said.init or (), ground)
    container = lower_container(said.container, f"a {said.kind}", ground)
    if container is None:
        return None
    pod = pod_of(said, alone=True)
    if said.container is not None and said.container.readiness_probe is not None:
        origin = ground.origin.at("container", "readinessProbe")
        ground.report.add(warning(origin.problem("PL-204", f"a {said.kind} has no readiness: the probe is not used")))
    return Gang(
        replicas=(Replica("main", 1, container, pod),),
        code=code,
        labels=labels_of(said.environment),
        annotations=annotations_of(said.environment),
    )
