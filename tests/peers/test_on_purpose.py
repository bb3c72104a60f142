"""What we do where Polyaxon does something else and no other test of ours shows it."""

from __future__ import annotations

import pytest

from tests.generate import Pair
from tests.peers.ours import errors, laid_over

pytestmark = pytest.mark.unit


def laid(run, patch, strategy, preset=None):
    operation = {"version": 1.1, "kind": "operation", "patchStrategy": strategy, "runPatch": patch}
    operation["component"] = {"run": run}
    laid_preset = {"version": 1.1, "kind": "operation", "isPreset": True, "patchStrategy": strategy, "runPatch": preset}
    merged, problems = laid_over(Pair("", operation, laid_preset if preset else None))
    assert not problems
    return merged["run"]


def volume(name):
    return {"name": name, "emptyDir": {}}


@pytest.mark.parametrize(
    ("strategy", "wanted"),
    [("post_merge", ["a", "b"]), ("pre_merge", ["b", "a"]), ("replace", ["b"]), ("isnull", ["a"])],
)
def test_volumes_and_sidecars_are_lists_like_all_others(strategy, wanted):
    run = {
        "kind": "job",
        "container": {"image": "x"},
        "volumes": [volume("a")],
        "sidecars": [{"name": "a", "image": "x"}],
    }
    patch = {"volumes": [volume("b")], "sidecars": [{"name": "b", "image": "x"}]}
    merged = laid(run, patch, strategy)
    assert [item["name"] for item in merged["volumes"]] == wanted
    assert [item["name"] for item in merged["sidecars"]] == wanted


def test_an_empty_list_of_a_preset_replaces():
    run = {"kind": "job", "container": {"image": "x"}, "init": [{"connection": "a"}]}
    assert laid(run, {"connections": ["b"]}, "replace", {"init": []})["init"] == []


def test_no_group_of_replicas_gets_what_another_one_has():
    def group(**requests):
        return {"container": {"image": "x", "resources": {"requests": requests}}}

    run = {"kind": "tfjob", "chief": group(cpu="1"), "worker": group(memory="1Gi")}
    merged = laid(run, {"container": {"resources": {"requests": {"ephemeral-storage": "1Gi"}}}}, "pre_merge")
    asked = {role: merged[role]["container"]["resources"]["requests"] for role in ("chief", "worker")}
    assert asked == {
        "chief": {"cpu": "1", "ephemeral-storage": "1Gi"},
        "worker": {"memory": "1Gi", "ephemeral-storage": "1Gi"},
    }


JOB = "run: {kind: job, container: {image: a, command: [a]}}"
TAKEN = {
    "a default may be a template": (
        f"component: {{inputs: [{{name: a, type: int, value: '{{{{ globals.uuid }}}}'}}], {JOB}}}"
    ),
    "a join may be without params": f"joins: [{{query: 'status: succeeded'}}]\ncomponent: {{{JOB}}}",
    "params of builds and hooks may be short": f"build: {{hubRef: kaniko, params: {{a: 1}}}}\ncomponent: {{{JOB}}}",
    "a sweep may feed an input without a type": (
        f"matrix: {{kind: grid, params: {{a: {{kind: range, value: [1, 3, 1]}}}}}}\n"
        f"component: {{inputs: [{{name: a}}], {JOB}}}"
    ),
}


@pytest.mark.parametrize("document", TAKEN.values(), ids=TAKEN)
def test_what_is_taken_on_purpose(document):
    assert errors({"a.yaml": f"version: 1.1\nkind: operation\n{document}\n"}, "a.yaml") == ()


REFUSED = {
    "an event of a root": ("PL-304", f"events: [{{kinds: [run_status_done], ref: ops.a}}]\ncomponent: {{{JOB}}}"),
    "a preset that is not there": ("PL-302", f"presets: [a]\ncomponent: {{{JOB}}}"),
    "a name that waits": ("PL-208", f"name: '{{{{ globals.uuid }}}}'\ncomponent: {{{JOB}}}"),
    "a negative duration": ("PL-204", f"termination: {{ttl: -1}}\ncomponent: {{{JOB}}}"),
    "a queue that waits": ("PL-406", f"queue: '{{{{ globals.uuid }}}}'\ncomponent: {{{JOB}}}"),
}


@pytest.mark.parametrize(("code", "document"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_on_purpose(code, document):
    found = errors({"a.yaml": f"version: 1.1\nkind: operation\n{document}\n"}, "a.yaml")
    assert [problem.code for problem in found] == [code]
