"""Sentences for people out of what Kubernetes says: short, without names that change from one try to the next.

What is said of a pod that waits is recorded whenever it changes, so the same trouble must always give the same words.
"""

from __future__ import annotations

import re

from reconciler.backends.kubernetes.status.read import Object, section, text

__all__ = ["cut", "not_made", "of_event", "of_waiting", "unscheduled"]

_MOST = 300
_OF_POD = re.compile(r' ?\(pod: "[^"]*", container: [^)]*\)')
_POD_NAME = re.compile(r'(?:Error creating: )?(?:pods "[^"]*" is forbidden: )?')
_PULL = re.compile(r"(?:Back-off pulling image \"[^\"]*\"(?:: )?)?(?:Err[A-Za-z]+: )?")
_OWN_PORT = re.compile(r"(?:[0-9.]+|\[[0-9a-f:]+\]):[0-9]+->")
"""Of a question to a name server or registry: another one each time."""
_VOLATILE = re.compile(r" for pod \S+|(?<=uid )\S+|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_SPACE = re.compile(r"\s+")
_ROOT = (
    "the image runs as root, or as a user without a number: set environment.securityContext.runAsUser, or `user` of "
    "backends.kubernetes"
)


def cut(said: str) -> str:
    """The text on one line, and not too long."""
    said = _SPACE.sub(" ", said).strip().rstrip(".")
    return said if len(said) <= _MOST else said[: _MOST - 1].rstrip() + "…"


def of_waiting(status: Object) -> str:
    """Why a container does not start; "" while nothing is wrong."""
    waiting = section(status, "state", "waiting")
    reason, message = text(waiting, "reason"), text(waiting, "message")
    name, image = text(status, "name"), text(status, "image")
    match reason:
        case "ImagePullBackOff" | "ErrImagePull" | "RegistryUnavailable" | "ImageInspectError":
            why = cut(_OWN_PORT.sub("", _PULL.sub("", message, count=1)))
            return f"the image {image} cannot be pulled" + (f": {why}" if why else "")
        case "ErrImageNeverPull":
            return f"the image {image} is not on the node, and its imagePullPolicy is Never"
        case "InvalidImageName":
            return f"`{image}` is not the name of an image"
        case "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError":
            return _unmade(name, message)
        case "CrashLoopBackOff":
            return _crashes(status, name)
        case _:
            return ""


def _unmade(name: str, message: str) -> str:
    if "runAsNonRoot" in message or "non-root policy" in message:
        return _ROOT
    return f"the container {name} cannot be made: {cut(_OF_POD.sub('', message))}"


def _crashes(status: Object, name: str) -> str:
    last = section(status, "lastState", "terminated")
    how = "it was out of memory" if last.get("reason") == "OOMKilled" else f"exit code {last.get('exitCode')}"
    return f"the container {name} ends and is started again: {how}"


def unscheduled(message: str) -> str:
    """Why no node takes a pod."""
    return f"no node has room for it: {cut(message.partition('. ')[0])}"


def not_made(message: str) -> str:
    """Why a controller cannot make a pod: quota, admission, an account that is not there."""
    return f"its pod is not admitted: {cut(_POD_NAME.sub('', message, count=1))}"


def of_event(event: Object) -> str:
    """What an event says, without names that differ from pod to pod."""
    message = text(event, "message") or text(event, "note")
    return cut(_VOLATILE.sub("", _OF_POD.sub("", message)))
