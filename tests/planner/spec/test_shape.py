"""What counts as a template, and that no text is dear to look at."""

from __future__ import annotations

import itertools
import re

import pytest

from planner.spec.load import load
from planner.spec.shape import is_template

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{{ x }}", True),
        ("{{x}}", True),
        ("a {{ x }} b", True),
        ("{{\n x\n}}", True),
        ("{{ }}", True),
        ("{{}}}", True),
        ("{{{}}", True),
        ("}} {{ x }}", True),
        ("{{ x } }}", True),
        ("{{}}", False),
        ("{{ x", False),
        ("x }}", False),
        ("}} {{", False),
        ("{ { x } }", False),
        ("", False),
        (None, False),
        (["{{ x }}"], False),
    ],
)
def test_what_is_a_template(value, expected):
    assert is_template(value) is expected


def test_every_short_text_is_one_by_the_rule_of_the_reference():
    rule = re.compile(r"{{\s*(.+)\s*}}", re.DOTALL)
    for length in range(8):
        for characters in itertools.product("{} a", repeat=length):
            text = "".join(characters)
            assert is_template(text) is (rule.search(text) is not None), text


HOSTILE = {
    "blanks": "{{" + " " * 200_000,
    "blanks before an end": "{{" + " " * 200_000 + "}",
    "openings": "{{" * 100_000,
    "openings and blanks": "{{ " * 66_000,
    "closings": "}}" * 100_000,
    "braces": "{" * 200_000 + "}" * 200_000,
    "digits": "1" * 200_000 + "!",
    "backslashes": "\\" * 200_000,
    "dots": "." * 200_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_is_dear_wherever_it_stands(text):
    """With a rule of more than linear cost, these take from minutes to years."""
    said = "'" + text + "'"
    document = (
        f"version: 1.1\nkind: operation\nname: &x {said}\npathRef: *x\nqueue: *x\ntags: *x\n"
        "termination: {maxRetries: *x, timeout: *x}\n"
        "params: {a: *x, b: {ref: dag, value: *x}, c: {ref: *x}}\n"
        "schedule: {kind: interval, frequency: *x, startAt: *x, timezone: *x}\n"
        "component:\n"
        "  inputs: [{name: a, type: *x, value: *x, validation: {regex: *x, gt: *x}}]\n"
        "  run: {kind: service, ports: *x, replicas: *x, init: [{git: {paths: [*x]}}],\n"
        "    container: {image: *x, args: *x, env: {A: *x}, resources: {limits: {cpu: *x}}}}\n"
    )
    assert len(load("f.yaml", document.encode()).problems) > 5
