"""What the engine is asked to make: golden bodies, and the rules that are held against bound values."""

import re
from dataclasses import replace

import pytest

from planner.model.engine import EngineAllow, EngineRules
from planner.model.gang import Container
from reconciler.backends.engine import names, render
from reconciler.errors import Refused
from tests.reconciler.backends.engine.cases import CASES, GOLDEN, HOME, PROGRAM, SETTINGS, bodies, golden, job, order

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", CASES)
def test_golden(name):
    assert golden(name) == (GOLDEN / f"{name}.json").read_text(), "python tests/golden/regenerate.py, and read it"


def test_every_golden_file_is_made():
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


def test_nothing_is_started_by_itself_or_removed_by_the_engine():
    for made in (body for case in CASES.values() for body in case()):
        host = made["HostConfig"]
        assert host["RestartPolicy"] == {"Name": "no"}
        assert host["AutoRemove"] is False
        assert host["CapDrop"] == ["ALL"]
        assert not any(str(mount.get("Source", "")).endswith(".sock") for mount in host["Mounts"])


def test_no_program_can_replace_a_folder_that_is_read_when_it_has_ended():
    """Each is mounted by itself; what holds them is not in the container."""
    for made in (body for case in CASES.values() for body in case()):
        sources = [mount["Source"] for mount in made["HostConfig"]["Mounts"] if mount["Type"] == "bind"]
        assert not any(other.startswith(f"{one}/") for one in sources for other in sources)


def test_labels_of_a_spec_never_replace_ours():
    (body,) = job()
    assert body["Labels"]["team"] == "vision"
    assert body["Labels"][names.RUN].startswith("r-")


def test_a_container_that_is_made_anew_has_its_folder_under_another_name():
    (body,) = job()
    base = str(HOME / "a1-c0ffee00" / "main-0")
    again = render.moved(body, base, f"{base}.2", 2)
    before, after = ([mount["Source"] for mount in one["HostConfig"]["Mounts"]] for one in (body, again))
    assert after == [source.replace(base, f"{base}.2") for source in before]
    assert sum(source.startswith(f"{base}.2/") for source in after) == 4
    assert again["Labels"][names.MAKING] == "2"
    assert {**again, "Labels": 0, "HostConfig": 0} == {**body, "Labels": 0, "HostConfig": 0}


def test_what_is_below_a_folder_moves_with_it_and_what_is_beside_does_not():
    body = {"Labels": {}, "HostConfig": {"Mounts": [{"Source": one} for one in ("/a/b", "/a/b/c", "/a/bc", "/x")]}}
    made = render.moved(body, "/a/b", "/a/b.1", 1)
    assert [one["Source"] for one in made["HostConfig"]["Mounts"]] == ["/a/b.1", "/a/b.1/c", "/a/bc", "/x"]


def scratch(**mount):
    """A volume of the attempt's own, mounted so."""
    mounts = [{"name": "v", "mountPath": "/v", **mount}]
    return {"volumes": [{"name": "v", "emptyDir": {}}], "container": {"volumeMounts": mounts}}


def volume(**said):
    return {"volumes": [{"name": "v", **said}]}


def secure(**context):
    return {"container": {"securityContext": context}}


REFUSED = {
    "no-image": (Container("", ("a",)), {}, "set `container.image`"),
    "host-path": (PROGRAM, volume(hostPath={"path": "/srv"}), "only `hostPath` in"),
    "named-volume": (PROGRAM, volume(persistentVolumeClaim={"claimName": "a"}), "only `volumes` in"),
    "kind": (PROGRAM, volume(nfs={}), "and this is `nfs`"),
    "no-volume": (PROGRAM, {"container": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}}, "no volume `v`"),
    "ours": (PROGRAM, scratch(mountPath="/plumbline/io"), "Plumbline's own"),
    "root": (PROGRAM, scratch(mountPath="/../"), "no folder of a container"),
    "sub-path": (PROGRAM, scratch(subPath="a"), "subPath needs a backend with Kubernetes"),
    "privileged": (PROGRAM, secure(privileged=True), "only `privileged` in"),
    "escalation": (PROGRAM, secure(allowPrivilegeEscalation=True), "only `privilegeEscalation` in"),
    "capabilities": (PROGRAM, secure(capabilities={"add": ["SYS_ADMIN"]}), "only `capabilities` in"),
    "user": (PROGRAM, secure(runAsUser=0), "runAsUser needs a backend"),
    "connection": (PROGRAM, {"connections": ["nowhere"]}, "no connection 'nowhere'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_configuration_does_not_allow_is_refused(case):
    container, pod, reason = REFUSED[case]
    with pytest.raises(Refused, match=re.escape(reason)):
        bodies(order(container, pod=pod))


EVERYTHING = ("/var/run/docker.sock", "//run//podman/podman.sock", "/", "/run", "/var/run/", "/proc", "/a/../run")


@pytest.mark.parametrize("path", EVERYTHING)
def test_what_leads_to_the_engine_is_never_mounted(path):
    settings = replace(SETTINGS, rules=EngineRules(frozenset(EngineAllow)))
    with pytest.raises(Refused, match="gives all of the machine away"):
        bodies(order(PROGRAM, pod=volume(hostPath={"path": path})), settings)
