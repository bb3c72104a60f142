"""A cluster of this machine: what goes in and out, its components, several at once, and that it leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.cluster import images, pods, start, tidy, traces
from tests.cluster.api import Api, RefusalError
from tests.cluster.cluster import OwnCluster
from tests.cluster.layout import ROOT, Instance

pytestmark = [pytest.mark.cluster, pytest.mark.crashes]


class Answers(BaseHTTPRequestHandler):
    """Says who asked."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())

    def log_message(self, *_: object) -> None:
        pass


def test_a_pod_reaches_the_test_on_the_address_of_the_host(own_cluster, namespace):
    with ThreadingHTTPServer((own_cluster.host, 0), Answers) as server:
        threading.Thread(target=server.serve_forever).start()
        ask = f"timeout 10 wget -q -O - http://{own_cluster.host}:{server.server_port}/"
        try:
            text = pods.run(
                own_cluster.api, namespace, pods.pod("asks", pods.container(own_cluster.image("busybox"), ask))
            )
        finally:
            server.shutdown()

    assert text.startswith(own_cluster.instance.address("1."))


def test_the_test_reaches_a_pod_and_a_service(own_cluster, namespace):
    serve = "mkdir /www; echo served >/www/index.html; exec httpd -f -p 8080 -h /www"
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    body = pods.pod("server", pods.container(own_cluster.image("busybox"), serve, readinessProbe=probe))
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "server"}, "ports": [{"port": 8080}]}}
    path = f"/api/v1/namespaces/{namespace}"
    virtual = own_cluster.api.create(f"{path}/services", service)["spec"]["clusterIP"]
    own_cluster.api.create(f"{path}/pods", body)
    pod = own_cluster.api.wait(f"{path}/pods/server", lambda found: pods.has(found, "Ready"))

    for address in (pod["status"]["podIP"], virtual):
        url = f"http://{address}:8080/index.html"
        assert start.until(30, lambda url=url: start.answers(url)), url


def test_debian_with_python_and_git(own_cluster, namespace):
    script = "python3 -m venv --without-pip /tmp/v && /tmp/v/bin/python -c 'import ssl, sqlite3' && git --version"
    body = pods.pod("python", pods.container(own_cluster.image("python"), script))

    assert pods.run(own_cluster.api, namespace, body).startswith("git version 2.")


def test_an_image_that_is_nowhere_is_told_and_nobody_is_asked_for_it(own_cluster, namespace):
    body = pods.pod("missing", pods.container("plumbline-test/nowhere:1", "true"))
    path = f"/api/v1/namespaces/{namespace}/pods"
    own_cluster.api.create(path, body)

    def told(pod):
        states = [item["state"].get("waiting", {}) for item in pod["status"].get("containerStatuses", ())]
        return any(state.get("reason") in {"ErrImagePull", "ImagePullBackOff"} for state in states)

    own_cluster.api.wait(f"{path}/missing", told)


def test_the_same_image_is_made_of_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    one = images.archive(images.BUSYBOX).read_bytes()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "two"))

    assert images.archive(images.BUSYBOX).read_bytes() == one


def test_who_asked_for_what_is_in_the_audit_log(own_cluster, namespace):
    api = Api(own_cluster.kubeconfig_for("somebody@example.com", ["readers"]))
    with pytest.raises(RefusalError) as refused:
        api.get(f"/api/v1/namespaces/{namespace}/secrets")
    api.close()

    def found():
        return [
            record
            for record in own_cluster.audit()
            if record["user"]["username"] == "somebody@example.com" and record["objectRef"]["namespace"] == namespace
        ]

    assert refused.value.status == 403
    assert start.until(10, lambda: bool(found()))
    (record,) = found()
    assert (record["verb"], record["objectRef"]["resource"]) == ("list", "secrets")
    assert record["annotations"]["authorization.k8s.io/decision"] == "forbid"
    assert "readers" in record["user"]["groups"]


@pytest.mark.parametrize("component", ["kube-apiserver", "kubelet", "containerd", "kube-controller-manager", "etcd"])
def test_a_pod_outlives_a_crash_of(component, own_cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}/pods"
    own_cluster.api.create(path, pods.pod("lives", pods.container(own_cluster.image("busybox"), "exec sleep 3600")))
    before = own_cluster.api.wait(f"{path}/lives", lambda pod: pods.has(pod, "Ready"))

    own_cluster.restart(component, signal.SIGKILL)
    assert (
        pods.run(
            own_cluster.api, namespace, pods.pod("after", pods.container(own_cluster.image("busybox"), "echo works"))
        )
        == "works\n"
    )

    after = own_cluster.api.get(f"{path}/lives")
    state = after["status"]["containerStatuses"][0]
    assert (state["containerID"], state["restartCount"]) == (
        before["status"]["containerStatuses"][0]["containerID"],
        0,
    )


def test_an_api_server_that_is_stopped_is_silent_and_goes_on(own_cluster):
    path = "/api/v1/namespaces/default"
    impatient = Api(own_cluster.kubeconfig, patience=0.5)
    impatient.get(path)
    own_cluster.send("kube-apiserver", signal.SIGSTOP)
    try:
        with pytest.raises(httpx.ReadTimeout):
            impatient.get(path)
    finally:
        own_cluster.send("kube-apiserver", signal.SIGCONT)
        impatient.close()

    assert own_cluster.api.get(path)["metadata"]["name"] == "default"


def test_a_component_that_does_not_come_up_shows_what_it_said(own_cluster):
    own_cluster.stop("kube-scheduler")
    kubeconfig = own_cluster.instance.kubeconfig("kube-scheduler")
    right = kubeconfig.read_text()
    kubeconfig.write_text("neither one nor the other")
    try:
        with pytest.raises(start.StartError, match=r"(?s)kube-scheduler ended \(1\) at its start.*cannot unmarshal"):
            own_cluster.begin("kube-scheduler")
    finally:
        kubeconfig.write_text(right)
        own_cluster.begin("kube-scheduler")


def test_a_users_cluster_runs_what_any_can_and_tells_of_the_rest(own_cluster, tmp_path):
    named = {"PLUMBLINE_TEST_KUBECONFIG": own_cluster.kubeconfig, "PLUMBLINE_TEST_IMAGE_BUSYBOX": images.BUSYBOX}
    own_cluster.image("busybox")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "cluster",
        "-k",
        "its_log_is_read or audit",
        f"--basetemp={tmp_path}",
    ]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "tests/cluster"],
        cwd=ROOT,
        env={**os.environ, **{name: str(value) for name, value in named.items()}},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert "NOT RUN: it needs the insides of a cluster of its own" in done.stdout


@pytest.mark.parametrize(("system", "reason"), [("Darwin arm64", "it needs Linux on x86_64")])
def test_a_machine_that_cannot_have_one_says_why(system, reason, tmp_path, monkeypatch):
    (tmp_path / "uname").write_text(f"#!/bin/sh\necho {system}\n")
    (tmp_path / "uname").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    with pytest.raises(start.UnfitError, match=f"^no test cluster on this machine: {reason}$"):
        OwnCluster.start()


def test_two_are_side_by_side_and_know_nothing_of_each_other(own_cluster):
    with OwnCluster.start(node=False) as other:
        assert other.instance.number != own_cluster.instance.number
        other.api.create("/api/v1/namespaces", {"metadata": {"name": "only-there"}})
        with pytest.raises(RefusalError):
            own_cluster.api.get("/api/v1/namespaces/only-there")


def test_nothing_is_left_of_one_that_ran_a_pod():
    before = traces.machine()
    with OwnCluster.start() as cluster, traces.watched(cluster.instance) as space:
        body = pods.pod("stays", pods.container(cluster.image("busybox"), "exec sleep 3600"))
        cluster.api.create("/api/v1/namespaces/default/pods", body)
        cluster.api.wait("/api/v1/namespaces/default/pods/stays", lambda pod: pods.has(pod, "Ready"))
        assert set(traces.of(cluster.instance, space)) == {"processes", "groups", "links", "folder"}
        cluster.close()
        assert traces.of(cluster.instance, space) == {}

    # Others mount and link things too, for a moment.
    assert start.until(10, lambda: traces.machine() == before), (before, traces.machine())


def test_nothing_is_left_when_who_started_it_is_killed():
    command = [sys.executable, "-m", "tests.cluster", "--no-node"]
    named = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=named) as person:
        assert person.stdout
        instance = Instance(int(Path(person.stdout.readline().decode()).parents[1].name))
        with traces.watched(instance) as space:
            person.kill()
            assert start.until(30, lambda: traces.of(instance, space) == {}), traces.of(instance, space)


def test_the_next_start_tidies_when_the_keeper_is_killed():
    cluster = OwnCluster.start(node=False)
    with traces.watched(cluster.instance) as space:
        os.kill(int(cluster.instance.lock.read_text()), signal.SIGKILL)
        assert start.until(30, lambda: not {"processes", "links"} & set(traces.of(cluster.instance, space)))

        tidy.leftovers()

        assert traces.of(cluster.instance, space) == {}
        cluster.close()
