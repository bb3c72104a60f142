"""Sections: what written values become, table by table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from planner.desire.cron import parse
from planner.model.schedule import CRON_PRESETS
from planner.spec.component import Component
from planner.spec.container import Container, Resources
from planner.spec.init import InitEntry
from planner.spec.io import IO
from planner.spec.operation import Operation
from planner.spec.params import Param, Reference
from planner.spec.run import Service
from planner.spec.schedule import CronSchedule, DatetimeSchedule, IntervalSchedule
from planner.spec.termination import Termination

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "optional", "has_default"),
    [
        pytest.param({}, False, False, id="plain"),
        pytest.param({"isOptional": True}, True, False, id="said"),
        pytest.param({"value": None}, True, True, id="null-is-a-default"),
        pytest.param({"value": 0}, True, True, id="falsy-is-a-default"),
    ],
)
def test_optional_inputs(written, optional, has_default):
    entry = IO.model_validate({"name": "a", **written})
    assert (entry.optional, entry.has_default) == (optional, has_default)


def test_older_spellings_of_validation():
    old = IO.model_validate({"name": "a", "delayValidation": True, "options": [1, 2]})
    new = IO.model_validate({"name": "a", "validation": {"delay": True, "options": [1, 2]}})
    assert (old.delayed, old.choices) == (new.delayed, new.choices) == (True, (1, 2))
    assert IO.model_validate({"name": "a", "validation": {"delay": False}, "delayValidation": True}).delayed is False


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({"ref": "dag", "value": "inputs.q"}, Reference("dag", "", ("inputs", "q")), id="dag"),
        pytest.param({"ref": "ops.A", "value": "outputs.x"}, Reference("ops", "A", ("outputs", "x")), id="operation"),
        pytest.param(
            {"ref": "ops.A", "value": "{{ outputs.x }}"}, Reference("ops", "A", ("outputs", "x")), id="in-braces"
        ),
        pytest.param({"ref": "ops.A", "value": "io"}, Reference("ops", "A", ("io",)), id="section"),
        pytest.param(
            {"ref": "ops.A", "value": "artifacts.x.y"}, Reference("ops", "A", ("artifacts", "x", "y")), id="three-parts"
        ),
        pytest.param({"value": "globals.uuid"}, None, id="without-ref-it-is-a-literal"),
        pytest.param(0.1, None, id="short-form"),
    ],
)
def test_references(written, expected):
    assert Param.model_validate(written).reference == expected


@pytest.mark.parametrize("value", ["", ".", "x", "outputs", "outputs.", "a.b", "inputs.a.b", "artifacts.a.b.c", "a b"])
def test_paths_that_are_none(value):
    with pytest.raises(ValidationError):
        Param.model_validate({"ref": "dag", "value": value})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("a b", ("a b",), id="text-is-one-word"),
        pytest.param(["a", 1, 2.5, True, None, ""], ("a", "1", "2.5", "true", ""), id="scalars-as-they-print"),
        pytest.param([], (), id="empty"),
    ],
)
def test_arguments(written, expected):
    assert Container.model_validate({"args": written}).args == expected


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({"A": 1, "B": True, "C": None, "D": "{{ x }}"}, id="mapping"),
        pytest.param(
            [{"name": "A", "value": 1}, {"name": "B", "value": True}, {"name": "C"}, {"name": "D", "value": "{{ x }}"}],
            id="list",
        ),
    ],
)
def test_environment_variables(written):
    container = Container.model_validate({"env": written})
    assert container.variables() == {"A": "1", "B": "true", "C": "", "D": "{{ x }}"}


@pytest.mark.parametrize("name", ["", "1A", "A=B", "A B", "A\n", "Ä"])
def test_bad_names_of_variables(name):
    with pytest.raises(ValidationError):
        Container.model_validate({"env": {name: "x"}})


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (1, "1"),
        (0.5, "0.5"),
        ("500m", "500m"),
        ("2Gi", "2Gi"),
        ("1e3", "1e3"),
        ("{{ cpu }}", "{{ cpu }}"),
        (".5", ".5"),
    ],
)
def test_amounts(written, text):
    assert Resources.model_validate({"limits": {"cpu": written}}).limits == {"cpu": text}


@pytest.mark.parametrize("written", ["lots", "-1", "1 Gi", "2GiB", "", True, None, [1], -1])
def test_bad_amounts(written):
    with pytest.raises(ValidationError):
        Resources.model_validate({"limits": {"cpu": written}})


@pytest.mark.parametrize(
    ("written", "paths", "target"),
    [
        pytest.param({"git": None}, None, None, id="own-folder"),
        pytest.param({"git": {}}, None, None, id="own-folder-in-braces"),
        pytest.param({"git": {"paths": ["src/", "./a//b.csv", "."]}}, ("src", "a/b.csv", ""), None, id="paths"),
        pytest.param({"git": {"paths": ["src"]}, "path": "code/x"}, ("src",), "code/x", id="target"),
    ],
)
def test_init_entries(written, paths, target):
    entry = InitEntry.model_validate(written)
    assert (entry.git.paths, entry.path) == (paths, target)


@pytest.mark.parametrize("path", ["", "/", "/etc", "..", "a/../b", "a\\b", 3, None])
def test_paths_outside(path):
    with pytest.raises(ValidationError):
        InitEntry.model_validate({"git": {"paths": [path]}})


@pytest.mark.parametrize(
    ("field", "written", "fine"),
    [
        ("maxRetries", 0, True),
        ("maxRetries", -1, False),
        ("maxRetries", "{{ n }}", True),
        ("maxRetries", "3", False),
        ("maxRetries", 3.0, False),
        ("maxRetries", True, False),
        ("maxRetries", 2**31, False),
        ("timeout", 1, True),
        ("timeout", 0, False),
        ("timeout", "1h", False),
        ("timeout", None, True),
    ],
)
def test_termination(field, written, fine):
    try:
        found = Termination.model_validate({field: written})
    except ValidationError:
        assert not fine
    else:
        assert fine
        assert found.model_dump()[field] == written


@pytest.mark.parametrize(
    ("written", "ports"), [([80, 443], (80, 443)), ("{{ ports }}", "{{ ports }}"), ([], ()), (None, None)]
)
def test_ports(written, ports):
    assert Service.model_validate({"ports": written}).ports == ports


@pytest.mark.parametrize("written", ["80", [0], [65_536], [80, 80], ["80"], [True], 80])
def test_bad_ports(written):
    with pytest.raises(ValidationError):
        Service.model_validate({"ports": written})


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (60, 60),
        ("PT1H30M", 5_400),
        ("P1DT1S", 86_401),
        ("P2W", 1_209_600),
        ("02:00:00", 7_200),
        ("1 day, 02:00:00", 93_600),
        ("PT1.0S", 1),
    ],
)
def test_durations(written, seconds):
    assert IntervalSchedule.model_validate({"frequency": written}).frequency == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    [
        0,
        -1,
        0.5,
        10**30,
        1e300,
        "",
        "P",
        "PT",
        "P1M",
        "P1Y",
        "1h",
        "60",
        "-PT1H",
        True,
        None,
        [60],
        "P999999999W",
        "P999999W",
        "999999 days, 00:00:00",
        "PT1.5S",
    ],
)
def test_bad_durations(written):
    with pytest.raises(ValidationError):
        IntervalSchedule.model_validate({"frequency": written})


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-11-23T06:00:00Z", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        ("2026-11-23 06:00+01:00", datetime(2026, 11, 23, 6, tzinfo=timezone(timedelta(hours=1)))),
        ("2026-11-23T06:00", datetime(2026, 11, 23, 6)),  # noqa: DTZ001 - wall-clock time is the point
        ("2026-11-23", datetime(2026, 11, 23)),  # noqa: DTZ001 - the same
    ],
)
def test_instants(written, instant):
    assert DatetimeSchedule.model_validate({"startAt": written}).start_at == instant


@pytest.mark.parametrize(
    "written", ["", "soon", "2026-13-01", "2001-99-99", 20261123, True, "0001-01-01T00:00+14:00", "9999-12-31"]
)
def test_bad_instants(written):
    with pytest.raises(ValidationError):
        DatetimeSchedule.model_validate({"startAt": written})


@pytest.mark.parametrize(
    ("written", "expression"),
    [("0  6 * * *", "0 6 * * *"), ("@Daily", "0 0 * * *"), ("*/5 0-6 1,15 jan mon#1", "*/5 0-6 1,15 jan mon#1")],
)
def test_cron_forms(written, expression):
    assert CronSchedule.model_validate({"cron": written}).expression == expression


@pytest.mark.parametrize("preset", CRON_PRESETS)
def test_every_preset_is_taken_and_means_what_planning_reads(preset):
    schedule = CronSchedule.model_validate({"cron": preset})
    assert parse(schedule.cron) == parse(schedule.expression) == parse(CRON_PRESETS[preset])


@pytest.mark.parametrize("written", ["", "* * * *", "* * * * * *", "@never", "0 0 * * ;", 5, None])
def test_bad_cron_forms(written):
    with pytest.raises(ValidationError):
        CronSchedule.model_validate({"cron": written})


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_zones(zone):
    assert CronSchedule.model_validate({"cron": "@daily", "timezone": zone}).timezone == zone


@pytest.mark.parametrize(
    "zone", ["", "Mars", "America", "../UTC", "/etc/localtime", "localtime", "UTC\0", "+02:00", 2, "x" * 5_000]
)
def test_bad_zones(zone):
    with pytest.raises(ValidationError):
        CronSchedule.model_validate({"cron": "@daily", "timezone": zone})


def test_models_are_frozen_and_take_both_spellings():
    operation = Operation.model_validate({"path_ref": "a.yaml", "termination": {"max_retries": 1}})
    assert operation == Operation.model_validate({"pathRef": "a.yaml", "termination": {"maxRetries": 1}})
    with pytest.raises(ValidationError):
        operation.name = "x"
    assert operation.model_dump(exclude_unset=True) == {"pathRef": "a.yaml", "termination": {"maxRetries": 1}}


def test_what_is_dumped_can_be_read_again():
    component = Component.model_validate(
        {"run": {"kind": "job", "init": [{"git": None}], "container": {"args": "x", "env": {"A": 1}}}}
    )
    assert Component.model_validate(component.model_dump(exclude_unset=True)) == component
