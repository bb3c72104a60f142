"""Names, labels and annotations of the objects that Plumbline makes in a cluster.

The name of an object follows from the key of its attempt, so that a restart, a double delivery or two daemons make
nothing twice. Labels are what objects are looked up by, and their values are short; what is exact is in annotations.
Pure: values in, values out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from planner import keys
from planner.canon import Json
from planner.keys import Key
from planner.model.run import Stamp
from reconciler.ports import Order

__all__ = [
    "AS_MADE",
    "CLEANED",
    "COMMIT",
    "DIGEST",
    "FAILURES",
    "FINALIZER",
    "GENERATION",
    "GRACE",
    "INSTANCE",
    "KEY",
    "LEDGER",
    "MANAGER",
    "OBJECT",
    "PREFIX",
    "PROJECT",
    "QUEUE",
    "RESERVED",
    "RUN",
    "SEQUENCE",
    "SERVICE",
    "STOP",
    "TIMEOUT",
    "WAYS",
    "annotations_of",
    "annotations_of_stamp",
    "files_name",
    "is_label_value",
    "key_of",
    "label_value",
    "labels_of",
    "labels_of_stamp",
    "object_name",
    "selector",
    "service_name",
    "stamp_of",
    "token_name",
]

MANAGER = "plumbline"
"""Our field manager in server-side apply, and `app.kubernetes.io/managed-by`."""
PREFIX = "plumbline.dev/"
"""What every label, annotation and finalizer of ours begins with. No spec may write one."""
FINALIZER = f"{PREFIX}run"
"""Keeps the object of an attempt until its end is in the ledger."""
RESERVED = "plumbline-"
"""What names of config maps, secrets, volumes and containers of ours begin with. No spec may name one."""

INSTANCE, PROJECT = f"{PREFIX}instance", f"{PREFIX}project"
RUN = f"{PREFIX}run"
"""The short id of the run: what people type."""
OBJECT = f"{PREFIX}object"
"""The name of the attempt's object: what its pods have in common."""
SERVICE = f"{PREFIX}service"
"""The name of a service, the same over its generations: what a Service selects by."""

KEY = f"{PREFIX}key"
"""The attempt's key in full."""
LEDGER, SEQUENCE = f"{PREFIX}ledger", f"{PREFIX}sequence"
COMMIT, DIGEST = f"{PREFIX}commit", f"{PREFIX}digest"
TIMEOUT = f"{PREFIX}timeout"
GRACE = f"{PREFIX}grace"
"""Seconds that an attempt may be at work, and then take to end."""
FAILURES = f"{PREFIX}failure-actions"
"""What the rules of the pod failure policy mean, in their order."""
GENERATION = f"{PREFIX}generation"
"""The generation at which a Deployment was last put right; where it is missing, the one it was made with: 1."""
WAYS = f"{PREFIX}ways"
"""Of a Deployment: the kinds of what leads to it, with a space in between."""
AS_MADE = f"{PREFIX}as-made"
"""Of what leads to a service: a digest of what of it is ours, and names of annotations that the configuration gave."""
CLEANED = f"{PREFIX}cleaned"
"""Label of an object of which only the name is left, and the annotation with since when."""
QUEUE = "kueue.x-k8s.io/queue-name"
"""By which Kueue knows the queue of a job; only the configuration gives it."""
STOP = f"{PREFIX}stop"
"""That and why the attempt was told to end: a JSON object, written before anything is ended."""

_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_STARTS = re.compile(r"[a-z]")


def object_name(key: Key, stamp: Stamp) -> str:
    """Name of the Job or Deployment of an attempt: a DNS label."""
    return key.dns_name(stamp.instance, stamp.project)


def files_name(key: Key, stamp: Stamp) -> str:
    """Name of the config map with an attempt's context."""
    return f"{RESERVED}{object_name(key, stamp)}"


def token_name(key: Key, stamp: Stamp) -> str:
    """Name of the secret with an attempt's token."""
    return f"{RESERVED}{object_name(key, stamp)}-token"


def service_name(key: Key, stamp: Stamp) -> str:
    """Name of the Service of a service: the same for every generation, round and attempt. It begins with a letter.

    What a tick, an event or a request started has a name of its own, as several may be up at once.
    """
    node = key.node
    if node.generation is not None:
        node = replace(node, cause="g1")
    name = node.dns_name(stamp.instance, stamp.project)
    return name if _STARTS.match(name) else f"s-{name[-61:].lstrip('-')}"


def is_label_value(text: str) -> bool:
    """Whether Kubernetes takes `text` as the value of a label."""
    return _VALUE.fullmatch(text) is not None


def label_value(text: str) -> str:
    """`text` as the value of a label: itself where it may be, else its readable beginning and a hash of it."""
    if is_label_value(text):
        return text
    head = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-_.")[:48].rstrip("-_.")
    tail = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{head}-{tail}" if head else tail


def selector(instance: str, project: str) -> str:
    """Label selector of all objects of one instance and project."""
    parts = {
        "app.kubernetes.io/managed-by": MANAGER,
        INSTANCE: label_value(instance),
        PROJECT: label_value(project),
    }
    return ",".join(f"{name}={value}" for name, value in parts.items())


def labels_of(order: Order) -> dict[str, str]:
    """Labels of every object and pod of an attempt, those of the spec first."""
    kind = {"app.kubernetes.io/component": label_value(order.run.kind)}
    return {**order.run.gang.labels, **labels_of_stamp(order.key, order.stamp), **kind}


def labels_of_stamp(key: Key, stamp: Stamp) -> dict[str, str]:
    """Labels that follow from an attempt and whose it is."""
    short = key.short_id(stamp.instance, stamp.project)
    return {
        "app.kubernetes.io/name": label_value(key.place[-1] if key.place else key.root),
        "app.kubernetes.io/instance": short,
        "app.kubernetes.io/part-of": "plumbline-runs",
        "app.kubernetes.io/managed-by": MANAGER,
        INSTANCE: label_value(stamp.instance),
        PROJECT: label_value(stamp.project),
        RUN: short,
        OBJECT: object_name(key, stamp),
    }


def annotations_of(order: Order) -> dict[str, str]:
    """Annotations of an attempt's objects; those of the spec are for its workload and pods alone.

    On a Service or an Ingress they would tell load balancers and proxies of the cluster what to do. The ledger's
    sequence differs from one `ensure` to the next, so none of these is in the template of pods.
    """
    own = {COMMIT: order.run.commit, DIGEST: order.run.digest}
    return {**annotations_of_stamp(order.key, order.stamp), **own}


def annotations_of_stamp(key: Key, stamp: Stamp) -> dict[str, str]:
    """Annotations that say which attempt an object is of, and whose."""
    return {
        KEY: str(key),
        LEDGER: stamp.ledger,
        SEQUENCE: str(stamp.sequence),
        f"{INSTANCE}-name": stamp.instance,
        f"{PROJECT}-name": stamp.project,
    }


def key_of(metadata: Mapping[str, Any]) -> Key | None:
    """The attempt that an object is of; None for one that is not ours, or cannot be read."""
    return keys.key_of(_annotation(metadata, KEY) or "")


def stamp_of(metadata: Mapping[str, Any]) -> Stamp | None:
    """Whose object it is; None when that cannot be read."""
    ledger, sequence = _annotation(metadata, LEDGER), _annotation(metadata, SEQUENCE)
    instance, project = _annotation(metadata, f"{INSTANCE}-name"), _annotation(metadata, f"{PROJECT}-name")
    if ledger is None or instance is None or project is None or sequence is None or not sequence.isdigit():
        return None
    return Stamp(ledger, int(sequence), instance, project)


def _annotation(metadata: Mapping[str, Any], name: str) -> str | None:
    found: Json = (metadata.get("annotations") or {}).get(name)
    return found if isinstance(found, str) else None
