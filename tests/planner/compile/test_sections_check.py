"""Shared sections once they are merged: what fits no run of a kind, what has no effect, and what may not run."""

from __future__ import annotations

import pytest
import yaml

from planner.compile.origin import Origin, Report
from planner.compile.sections import check_operation, check_sections, reasons
from planner.spec.load import load

pytestmark = pytest.mark.unit

JOB = {"run": {"kind": "job", "container": {"image": "i"}}}


def operation(**fields):
    document = {"version": 1.1, "kind": "operation", "name": "t", "component": JOB, **fields}
    loaded = load("f.yaml", yaml.safe_dump(document).encode())
    assert not loaded.problems
    return loaded.documents[0].spec, Origin(loaded.documents[0].places)


def said(report) -> list[str]:
    return [f"{p.severity} {p.code} {p.pointer}" for p in report.problems]


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("job", {"plugins": {"ssh": True}}, ["error PL-209 /plugins/ssh"]),
        ("job", {"plugins": {"sandbox": True, "ssh": False}}, ["error PL-209 /plugins/sandbox"]),
        ("service", {"plugins": {"ssh": True, "sandbox": True}}, []),
        ("job", {"plugins": "{{ p }}"}, []),
        ("dag", {"build": {"hubRef": "kaniko"}}, ["error PL-209 /build"]),
        ("dag", {"build": "{{ b }}"}, ["error PL-209 /build"]),
        ("job", {"build": {"hubRef": "kaniko"}}, []),
        ("job", {"termination": {"culling": {"timeout": 60}}}, ["warning PL-704 /termination/culling"]),
        ("service", {"termination": {"culling": {"timeout": 60}, "probe": {}}}, []),
        ("service", {"termination": {"probe": {}}}, ["warning PL-704 /termination/probe"]),
        ("job", {"termination": {"podFailurePolicy": {"rules": []}}}, []),
        (
            "service",
            {"termination": {"podFailurePolicy": {"rules": []}}},
            ["warning PL-704 /termination/podFailurePolicy"],
        ),
        ("job", {"cache": {"io": ["lr", "loss", "{{ x }}"]}}, []),
        ("job", {"cache": {"io": ["lr", "los"]}}, ["warning PL-305 /cache/io/1"]),
        ("job", {"cache": {"io": "{{ x }}"}}, []),
        ("job", {"hooks": [{"hubRef": "a", "conditions": "status =="}]}, ["error PL-404 /hooks/0/conditions"]),
        ("job", {"hooks": [{"hubRef": "a", "conditions": "done"}]}, []),
    ],
    ids=str,
)
def test_sections_of_a_run(kind, fields, expected):
    found, origin = operation(**fields)
    report = Report()
    check_sections(found, kind, ("lr", "loss"), origin, report)
    assert said(report) == expected


UP = [{"kinds": ["run_status_running"], "ref": "ops.a"}]


@pytest.mark.parametrize(
    ("fields", "inside", "outside"),
    [
        ({"conditions": "a >"}, ["error PL-404 /conditions"], ["error PL-404 /conditions"]),
        ({"events": UP}, [], ["error PL-304 /events/0/ref"]),
        ({"events": "{{ e }}"}, [], []),
        (
            {"events": [{"kinds": ["run_status_done", "alert_info"], "ref": "ops.a"}]},
            ["warning PL-704 /events/0/kinds/1"],
            ["error PL-304 /events/0/ref"],
        ),
        (
            {"events": [{"kinds": ["connection_git_commit"], "ref": "repository", "paths": ["data/**"]}]},
            [],
            [],
        ),
        (
            {"events": [{"kinds": ["alert_info"], "ref": "drift", "paths": ["data/**"]}]},
            ["warning PL-704 /events/0/paths"],
            ["warning PL-704 /events/0/paths"],
        ),
        ({"events": [{"kinds": ["run_status_done"], "ref": "runs.a"}]}, [], []),
        (
            {"events": [{"kinds": ["run_status_done"], "ref": "drift"}]},
            ["warning PL-704 /events/0/kinds/0"],
            ["warning PL-704 /events/0/kinds/0"],
        ),
        (
            {"events": [{"kinds": ["connection_git_commit"], "ref": "connections.repo"}]},
            ["warning PL-704 /events/0/kinds/0"],
            ["warning PL-704 /events/0/kinds/0"],
        ),
        ({"trigger": "all_done"}, [], ["warning PL-704 /trigger"]),
        ({"skipOnUpstreamSkip": False}, [], ["warning PL-704 /skipOnUpstreamSkip"]),
    ],
    ids=str,
)
def test_what_speaks_of_other_operations(fields, inside, outside):
    for in_dag, expected in ((True, inside), (False, outside)):
        found, origin = operation(**fields)
        report = Report()
        check_operation(found, origin, report, in_dag=in_dag)
        assert said(report) == expected


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, []),
        ({"plugins": {"shm": True, "tmux": False, "docker": "{{ x }}"}}, []),
        ({"plugins": {"docker": True}}, ["host's Docker"]),
        ({"plugins": {"tmux": True, "ssh": True, "sandbox": True}}, ["terminal", "commands", "people"]),
        ({"template": {"enabled": False}}, []),
        ({"template": {"enabled": "{{ x }}"}}, []),
        ({"template": {"enabled": True, "fields": ["name", "queue"]}}, ["filled in first: name, queue"]),
        ({"template": {"enabled": True}}, ["filled in first; then remove"]),
    ],
    ids=str,
)
def test_why_something_may_not_run(fields, words):
    found, _ = operation(**fields)
    given = list(reasons(found))
    assert len(given) == len(words)
    assert all(word in reason for word, reason in zip(words, given, strict=True))
