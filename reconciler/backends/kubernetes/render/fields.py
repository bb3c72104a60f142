"""Which field of the language becomes what of a pod: the table that render goes by and docs/backends.md is made from.

A field that is copied goes into the pod as it is written, under its own name; of another something is made; one that is
not used changes nothing. What the rules of the configuration forbid is refused before (`planner.compile.cluster`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CONTAINER", "ENVIRONMENT", "FIELDS", "Field", "Use", "copied"]


class Use(StrEnum):
    """What becomes of a field."""

    COPIED = "copied"
    MADE = "made"
    UNUSED = "not used"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the language in a cluster.

    Attributes:
        use: what becomes of it.
        words: what is made of it, or why it is not used.
    """

    use: Use
    words: str = ""


_COPIED = Field(Use.COPIED)


def _made(words: str) -> Field:
    return Field(Use.MADE, words)


def _unused(words: str) -> Field:
    return Field(Use.UNUSED, words)


ENVIRONMENT: Mapping[str, Field] = {
    "labels": _made("labels of all objects and pods; ours win"),
    "annotations": _made("annotations of all objects and pods; ours win"),
    "nodeSelector": _made("with that of the configuration, which wins"),
    "affinity": _COPIED,
    "tolerations": _made("after those of the configuration"),
    "nodeName": _COPIED,
    "serviceAccountName": _made("one of `serviceAccounts`; its token is not mounted"),
    "hostAliases": _COPIED,
    "securityContext": _made("laid over that of level *restricted*"),
    "imagePullSecrets": _made("after those of the configuration"),
    "hostNetwork": _COPIED,
    "hostPID": _COPIED,
    "hostIPC": _COPIED,
    "dnsPolicy": _COPIED,
    "dnsConfig": _COPIED,
    "schedulerName": _COPIED,
    "priorityClassName": _made("that of the configuration where it is not said"),
    "priority": _COPIED,
    "restartPolicy": _unused(
        "attempts of jobs are made by `termination.maxRetries`; pods of services always come back"
    ),
}
"""Of `environment`."""

CONTAINER: Mapping[str, Field] = {
    "name": _unused("the container of the program is `main`"),
    "image": _COPIED,
    "command": _made("word by word as it stands"),
    "args": _made("word by word as they stand"),
    "env": _made("values as they stand; `valueFrom` is copied; below the variables of the run contract"),
    "workingDir": _made("below the working folder, unless it is absolute"),
    "resources": _made("requests and limits; a GPU or other extended resource has its request as limit"),
    "readinessProbe": _made("of services; jobs have no readiness"),
    "envFrom": _COPIED,
    "ports": _made("with the `ports` of the service, by number"),
    "volumeMounts": _COPIED,
    "volumeDevices": _COPIED,
    "lifecycle": _COPIED,
    "livenessProbe": _COPIED,
    "startupProbe": _COPIED,
    "securityContext": _made("laid over that of level *restricted*"),
    "imagePullPolicy": _made("that of the configuration where it is not said"),
    "restartPolicy": _unused("one program is started once in an attempt"),
    "restartPolicyRules": _unused("one program is started once in an attempt"),
    "resizePolicy": _COPIED,
    "stdin": _COPIED,
    "stdinOnce": _COPIED,
    "tty": _COPIED,
    "terminationMessagePath": _made("copied with the agent; without it the termination message is the output file"),
    "terminationMessagePolicy": _made("copied with the agent; without it the termination message is the output file"),
}
"""Of `container`: the program's. Those of `sidecars` and `init` are Kubernetes' own and copied whole."""

_RUN: Mapping[str, Field] = {
    "connections": _made("volumes, variables, secrets and config maps of the catalogue"),
    "volumes": _COPIED,
    "sidecars": _made("containers beside `main`, with its variables and mounts"),
    "init": _made("see below"),
    "ports": _made("ports of the pod and of the Service, named `port-0`, `port-1`, …"),
    "replicas": _made("of the Deployment"),
    "isExternal": _made("an Ingress or HTTPRoute, where the configuration has a `route`"),
    "rewritePath": _unused("a service has a host of its own, and answers at its root"),
}
_INIT: Mapping[str, Field] = {
    "git": _made("code of the repository itself or of another one, brought by the agent; `flags` are refused"),
    "artifacts": _made("brought by the agent; with a kind that is wrong refused"),
    "paths": _made("brought by the agent"),
    "dockerfile": _made("written by the agent"),
    "file": _made("written by the agent, and kept with the outputs; of `chmod` whether it may be executed"),
    "tensorboard": _made("a copy of what the runs have left when the pod starts, brought by the agent"),
    "lineageRef": _made("brought by the agent"),
    "modelRef": _made("brought by the agent"),
    "artifactRef": _made("brought by the agent"),
    "connection": _made("of kind git: code, brought by the agent; with a `container` what the connection brings"),
    "path": _made("below the working folder"),
    "container": _made("an init container of the spec's own, in its order; it cannot change one of ours"),
}
_TERMINATION: Mapping[str, Field] = {
    "maxRetries": _made("attempts, made by the daemon: each is a Job"),
    "ttl": _made("by the daemon: objects stay so long after their end"),
    "timeout": _made("kept by the daemon; of a job by `activeDeadlineSeconds` of its pod too"),
    "culling": _made("by the daemon, where the agent is in the pod"),
    "probe": _made("asked by the agent, by plain HTTP; by a command nobody is asked"),
    "podFailurePolicy": _made("of jobs: rules of the Job and what they mean for the next attempt"),
}
_PLUGINS: Mapping[str, Field] = {
    "auth": _unused("no run is given access to the API"),
    "docker": Field(Use.REFUSED, "it would give the run the host's Docker, and with it the host"),
    "shm": _made("`/dev/shm` in memory, unless it is false"),
    "tmux": Field(Use.REFUSED, "a run has no terminal"),
    "sandbox": Field(Use.REFUSED, "it would let commands in past what the repository says"),
    "ssh": Field(Use.REFUSED, "it would let people in past what the repository says"),
    "mountArtifactsStore": _unused("artifacts are carried by the agent"),
    "collectArtifacts": _made("told to the agent"),
    "collectLogs": _made("told to the agent"),
    "collectResources": _unused("nobody measures runs yet"),
    "syncStatuses": _unused("a status is always followed"),
    "autoResume": _unused("`plumbline retry --resume` says it"),
    "logLevel": _made("told to the agent"),
    "externalHost": _unused("the agent has one address of the daemon"),
    "sidecar": _made("`noConnections`, for sidecars of the spec; the agent's own is the configuration's"),
    "notifications": _made("by the daemon"),
}

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "environment": ENVIRONMENT,
    "container": CONTAINER,
    "run": _RUN,
    "init": _INIT,
    "termination": _TERMINATION,
    "plugins": _PLUGINS,
}
"""By section of the language."""


def copied(fields: Mapping[str, Field], said: Mapping[str, object]) -> dict[str, object]:
    """What of a section goes into the pod as it is."""
    return {
        name: said[name] for name, field in fields.items() if field.use is Use.COPIED and said.get(name) is not None
    }
