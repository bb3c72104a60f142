"""The class of every field of the language: what a change of it means (design: "Digests are a contract").

A change of an *identity* field is a new generation; a *live* field is applied to what lives; an *inert* field changes
nothing. For a field that holds a section, the class says what the presence of the section means; inside, each field
has its own. A new field without a line here fails a test. Changing a line changes digests, which are a contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from planner.spec.shape import Section

__all__ = ["FIELDS", "FieldClass", "class_of"]


class FieldClass(StrEnum):
    """What a change of a field means."""

    IDENTITY = "identity"
    LIVE = "live"
    INERT = "inert"


def _section(identity: str = "", live: str = "", inert: str = "") -> Mapping[str, FieldClass]:
    groups = {FieldClass.IDENTITY: identity, FieldClass.LIVE: live, FieldClass.INERT: inert}
    return MappingProxyType({name: group for group, names in groups.items() for name in names.split()})


_TIMING = "kind timezone missed max_catch_up start_deadline concurrency_policy jitter start_at"

FIELDS: Mapping[str, Mapping[str, FieldClass]] = MappingProxyType(
    {
        # The name is the identity of the root itself; renames are found by leaving it out (design: "A changed root").
        "Operation": _section(
            identity="kind name params dependencies component",
            live="queue termination schedule",
            inert="version description tags dag_ref path_ref",  # what a reference leads to counts, not its path
        ),
        "Component": _section(
            identity="kind inputs outputs run",
            live="queue termination",
            inert="version name description tags",
        ),
        "IO": _section(
            identity="name type is_list is_flag value arg_format",
            inert="description is_optional validation delay_validation options",  # they judge values, not make them
        ),
        "Validation": _section(
            inert="delay gt ge lt le multiple_of min_digits max_digits decimal_places regex min_length max_length "
            "contains excludes options min_items max_items keys contains_keys excludes_keys",
        ),
        "Param": _section(identity="value ref context_only"),
        "Termination": _section(live="max_retries timeout"),
        "CronSchedule": _section(live=f"{_TIMING} cron end_at max_runs depends_on_past"),
        "IntervalSchedule": _section(live=f"{_TIMING} frequency end_at max_runs depends_on_past"),
        "DatetimeSchedule": _section(live=_TIMING),
        "Job": _section(identity="kind init container", live="environment"),
        "Service": _section(
            identity="kind init container ports replicas is_external rewrite_path",
            live="environment",
        ),
        "Dag": _section(
            identity="kind operations",
            live="environment concurrency",
            inert="components",  # what an operation uses of them counts there
        ),
        "Environment": _section(live="labels annotations"),
        "InitEntry": _section(identity="git path"),
        "GitInit": _section(identity="paths"),
        "Container": _section(
            identity="image command args env working_dir resources readiness_probe",
            inert="name",
        ),
        "EnvVar": _section(identity="name value"),
        # A limit is identity where it fills the gap of a request; beside one it is live, as `d1` was given out without.
        "Resources": _section(identity="requests limits"),
        "ReadinessProbe": _section(
            identity="http_get tcp_socket exec period_seconds timeout_seconds failure_threshold initial_delay_seconds",
        ),
        "HttpGetAction": _section(identity="path port"),
        "TcpSocketAction": _section(identity="port"),
        "ExecAction": _section(identity="command"),
    }
)
"""Classes by the name of the section's model and its attribute."""


def class_of(section: type[Section], attribute: str) -> FieldClass:
    """The class of a field.

    Raises:
        KeyError: for a section or an attribute that is not of the language.
    """
    return FIELDS[section.__name__][attribute]
