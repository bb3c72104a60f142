"""The start of a cluster, step by step, by real conditions; and what a component said last when one does not come."""

from __future__ import annotations

import http.client
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster import components, config
from tests.cluster.api import Api
from tests.cluster.control import Control
from tests.cluster.layout import ROOT, Instance

PATIENCE = 120.0
"""Seconds for a condition: long, because machines of tests are busy."""
LAST = 25
"""Lines of its log that an error shows."""
SETUP = ROOT / "scripts" / "cluster-setup"
CANNOT = 3
"""Exit code of the setup on a machine where no cluster can be."""


class StartError(Exception):
    """A component did not come up, with the last it said."""


class UnfitError(Exception):
    """This machine cannot have a cluster: why."""


def program() -> Path:
    """The program of all components, built if it is not there."""
    made = subprocess.run([SETUP], capture_output=True, text=True, check=False)
    if made.returncode == CANNOT:
        raise UnfitError(made.stderr.strip().splitlines()[-1])
    if made.returncode:
        raise StartError(f"scripts/cluster-setup failed:\n{made.stderr[-3000:]}")
    return Path(made.stdout.splitlines()[-1])


def until(patience: float, accepts: Callable[[], bool]) -> bool:
    """Ask until it is so; whether it came in time."""
    end = time.monotonic() + patience
    while not accepts():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def component(instance: Instance, control: Control, name: str, program: Path) -> None:
    """Start one; it is not ready yet."""
    control.start(name, components.argv(instance, name, program), instance.log(name))


def wait(instance: Instance, control: Control, names: Sequence[str]) -> None:
    """Wait until all of these work."""
    for name in names:
        if not until(PATIENCE, lambda name=name: _works(instance, control, name)):  # type: ignore[misc]
            raise StartError(f"{name} did not come up in {PATIENCE:.0f} s. It said last:\n{last(instance, name)}")


def usable(instance: Instance, control: Control, api: Api, *, node: bool) -> None:
    """Wait until pods can be made, and with a node: until it takes them, and names resolve on it."""
    conditions = {
        "kube-controller-manager": ("accounts in namespace default", lambda: _has_account(api)),
    }
    if node:
        conditions["kubelet"] = ("node Ready", lambda: _ready(api))
        conditions["coredns"] = ("an answer for kubernetes.default", lambda: _resolves(instance))
    for name, (what, accepts) in conditions.items():
        if not until(PATIENCE, accepts):
            raise StartError(f"no {what} in {PATIENCE:.0f} s. {name} said last:\n{last(instance, name)}")
    ended = control.ended()
    if ended:
        raise StartError("\n".join(f"{name} ended ({code}):\n{last(instance, name)}" for name, code in ended.items()))


def last(instance: Instance, name: str) -> str:
    """The end of a component's log."""
    path = instance.log(name)
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    return "\n".join(lines[-LAST:])


def first(instance: Instance) -> int:
    """The number of the node's first process, here."""
    control = Control(instance.control)
    try:
        return control.pid
    finally:
        control.close()


def inside(instance: Instance, *argv: str) -> str:
    """Run a command in all of the node's namespaces; its output. Raises StartError with its words when it fails."""
    spaces = ["nsenter", "--target", str(first(instance)), "--mount", "--net", "--pid", "--ipc", "--uts"]
    done = subprocess.run([*spaces, *argv], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise StartError(f"{' '.join(argv)}: {done.stderr or done.stdout}")
    return done.stdout


def import_image(instance: Instance, archive: Path) -> None:
    how = config.snapshotter(instance.folder)
    inside(instance, "ctr", "--namespace", "k8s.io", "images", "import", "--snapshotter", how, str(archive))


def _works(instance: Instance, control: Control, name: str) -> bool:
    code = control.ended().get(name)
    if code is not None:
        raise StartError(f"{name} ended ({code}) at its start. It said last:\n{last(instance, name)}")
    address = components.ready(instance, name)
    if address is None:
        try:
            inside(instance, "ctr", "version")
        except StartError:
            return False
        return True
    return answers(address, instance.certificate("admin"))


def answers(address: str, certificate: tuple[Path, Path] | None = None) -> bool:
    """Whether it answers 200. Which server it is does not matter here; who asks may."""
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    if certificate:
        anyone.load_cert_chain(*certificate)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=anyone))
    try:
        with opener.open(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


def _has_account(api: Api) -> bool:
    named = api.get("/api/v1/namespaces/default/serviceaccounts")["items"]
    authority = api.get("/api/v1/namespaces/default/configmaps")["items"]
    return bool(named and authority)


def _ready(api: Api) -> bool:
    for node in api.get("/api/v1/nodes")["items"]:
        for condition in node["status"].get("conditions", ()):
            if condition["type"] == "Ready" and condition["status"] == "True":
                return not node["spec"].get("taints")
    return False


def _resolves(instance: Instance) -> bool:
    try:
        inside(instance, "/bin/busybox", "nslookup", "kubernetes.default.svc.cluster.local", instance.node)
    except StartError:
        return False
    return True
