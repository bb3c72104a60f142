"""Bodies of the objects that tests of the cluster make, and how they end."""

from __future__ import annotations

from typing import Any

from tests.cluster.api import Api

Body = dict[str, Any]


def container(image: str, script: str, **more: Any) -> Body:
    """One that runs a line of shell."""
    return {"name": "main", "image": image, "command": ["sh", "-c", script], **more}


def pod(name: str, main: Body, **spec: Any) -> Body:
    """One that runs once. It is ended at once: nothing here has anything to finish."""
    return {
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [main], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, **spec},
    }


def job(name: str, main: Body, **spec: Any) -> Body:
    """One that tries once."""
    template = pod(name, main, **spec)
    return {"metadata": {"name": name}, "spec": {"template": template, "backoffLimit": 0}}


def run(api: Api, namespace: str, body: Body) -> str:
    """Run a pod to its end: what it printed. An end other than success is an AssertionError that shows it."""
    name = body["metadata"]["name"]
    path = f"/api/v1/namespaces/{namespace}/pods"
    api.create(path, body)
    ended = api.wait(f"{path}/{name}", lambda found: found["status"].get("phase") in {"Succeeded", "Failed"})
    text = api.text(f"{path}/{name}/log")
    assert ended["status"]["phase"] == "Succeeded", f"{name}: {ended['status']}\n{text}"
    return text


def has(body: Body | None, kind: str) -> bool:
    """Whether a condition is True."""
    conditions = body["status"].get("conditions", ()) if body else ()
    return any(item["type"] == kind and item["status"] == "True" for item in conditions)
