"""What the other tests of this tier stand on, on any cluster: pods run and are reached, and who may not is refused."""

from __future__ import annotations

import pytest

from tests.cluster import pods
from tests.cluster.api import Api, RefusalError

pytestmark = pytest.mark.cluster


@pytest.fixture
def busybox(cluster):
    return cluster.image("busybox")


def test_a_job_runs_to_its_end_and_its_log_is_read(cluster, namespace, busybox):
    body = pods.job("hello", pods.container(busybox, "echo hello from $HOSTNAME"))
    cluster.api.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", body)

    cluster.api.wait(f"/apis/batch/v1/namespaces/{namespace}/jobs/hello", lambda job: pods.has(job, "Complete"))
    (pod,) = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector="job-name=hello")["items"]
    name = pod["metadata"]["name"]
    assert cluster.api.text(f"/api/v1/namespaces/{namespace}/pods/{name}/log") == f"hello from {name}\n"


def test_a_job_that_fails_says_its_exit_code(cluster, namespace, busybox):
    body = pods.job("broken", pods.container(busybox, "exit 7"))
    cluster.api.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", body)

    cluster.api.wait(f"/apis/batch/v1/namespaces/{namespace}/jobs/broken", lambda job: pods.has(job, "Failed"))
    (pod,) = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector="job-name=broken")["items"]
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 7


def test_a_sidecar_lives_as_long_as_the_main_container_and_leaves_a_message(cluster, namespace, busybox):
    told = "trap 'echo -n seen the end >/dev/termination-log; exit 0' TERM"
    script = f"{told}; touch /shared/up; while :; do sleep 1 & wait; done"
    shared = [{"name": "shared", "mountPath": "/shared"}]
    sidecar = {
        **pods.container(busybox, script, restartPolicy="Always", volumeMounts=shared),
        "name": "sidecar",
        "startupProbe": {"exec": {"command": ["test", "-e", "/shared/up"]}, "periodSeconds": 1},
    }
    body = pods.job(
        "accompanied",
        pods.container(busybox, "test -e /shared/up && echo ran beside it", volumeMounts=shared),
        initContainers=[sidecar],
        volumes=[{"name": "shared", "emptyDir": {}}],
        terminationGracePeriodSeconds=30,
    )
    cluster.api.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", body)

    cluster.api.wait(f"/apis/batch/v1/namespaces/{namespace}/jobs/accompanied", lambda job: pods.has(job, "Complete"))
    (pod,) = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector="job-name=accompanied")["items"]
    ended = pod["status"]["initContainerStatuses"][0]["state"]["terminated"]
    assert (ended["message"], ended["exitCode"]) == ("seen the end", 0)


def test_a_service_is_reached_by_name_once_its_pod_is_ready(cluster, namespace, busybox):
    serve = (
        "mkdir /www; echo served >/www/index.html; httpd -p 8080 -h /www; sleep 1; touch /www/ready; exec sleep 3600"
    )
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}
    server = pods.pod("server", pods.container(busybox, serve, readinessProbe=probe))
    service = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    cluster.api.create(f"/api/v1/namespaces/{namespace}/services", service)
    cluster.api.create(f"/api/v1/namespaces/{namespace}/pods", server)
    cluster.api.wait(f"/api/v1/namespaces/{namespace}/pods/server", lambda pod: pods.has(pod, "Ready"))

    # Rules and names follow a moment after the pod is ready.
    ask = "for _ in $(seq 60); do timeout 2 wget -q -O - http://web/ && exit; sleep 0.5; done; exit 1"
    assert pods.run(cluster.api, namespace, pods.pod("client", pods.container(busybox, ask))) == "served\n"
    whole = f"timeout 5 wget -q -O - http://web.{namespace}.svc.cluster.local/"
    assert pods.run(cluster.api, namespace, pods.pod("again", pods.container(busybox, whole))) == "served\n"


def test_an_account_may_what_its_role_says_and_no_more(cluster, namespace):
    cluster.api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "reader"}})
    api = Api(cluster.kubeconfig_for_account(namespace, "reader"))
    path = f"/api/v1/namespaces/{namespace}/pods"
    try:
        with pytest.raises(
            RefusalError, match=r'pods is forbidden: User "system:serviceaccount:.*:reader" cannot list'
        ):
            api.get(path)
        _allow(cluster.api, namespace)
        # The authoriser hears of a role by its own watch.
        api.wait(path, lambda found: found is not None and found["items"] == [], absent={403})
        with pytest.raises(RefusalError, match="cannot create resource"):
            api.create(path, pods.pod("no", pods.container("none", "true")))
    finally:
        api.close()


def _allow(api, namespace):
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    role = {"metadata": {"name": "reader"}, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]}
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
    }
    api.create(f"{rbac}/roles", role)
    api.create(f"{rbac}/rolebindings", binding)
