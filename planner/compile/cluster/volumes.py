"""Volumes of a pod, and what its containers see of them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from planner.canon import Json
from planner.compile.cluster.words import RESERVED, Rules, items, known, named, refused, section
from planner.model.cluster import Allow

__all__ = ["of_mounts", "of_pod"]

_KINDS = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
"""Kinds of volumes that level *restricted* has, and images."""
_OURS = ("/plumbline", "/plumbline-order", "/plumbline-token")
"""Folders of the run contract in a pod (`reconciler.backends.kubernetes.layout`)."""


def of_pod(pod: Json, rules: Rules) -> Iterator[str]:
    """Why a pod may not have its volumes."""
    for index, volume in items(pod, "volumes"):
        at = f"volumes[{index}]"
        if str(volume.get("name", "")).startswith(RESERVED):
            yield f"{at}: volumes named `{RESERVED}…` are Plumbline's own: give it another name"
        for kind in sorted(volume.keys() - {"name"}):
            yield from _kind(kind, at, rules)
        yield from named(f"{at}.secret", section(volume, "secret").get("secretName"), rules)
        yield from named(f"{at}.configMap", section(volume, "configMap").get("name"), rules)
        yield from _references(volume, at, rules)
        for number, source in items(section(volume, "projected"), "sources"):
            yield from _projected(source, f"{at}.projected.sources[{number}]", rules)


def _kind(kind: str, at: str, rules: Rules) -> Iterator[str]:
    if kind == "hostPath":
        yield from refused(f"{at}: a folder of the node (hostPath)", Allow.HOST_PATH, rules)
    elif kind not in _KINDS:
        yield from refused(f"{at}: a volume of the kind {kind}", Allow.VOLUMES, rules)


def _references(volume: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    """Secrets that drivers of volumes are given."""
    for kind in sorted(volume.keys() - {"name"}):
        for field in ("secretRef", "nodePublishSecretRef"):
            yield from named(f"{at}.{kind}.{field}", section(section(volume, kind), field).get("name"), rules)


def _projected(source: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    for kind in ("serviceAccountToken", "podCertificate"):
        if kind in source:
            yield from refused(f"{at}: a credential of the service account ({kind})", Allow.TOKENS, rules)
    for kind in ("secret", "configMap"):
        yield from named(f"{at}.{kind}", section(source, kind).get("name"), rules)


def of_mounts(container: Json, at: str, rules: Rules) -> Iterator[str]:
    """Why a container may not see volumes where it wants them."""
    for index, mount in items(container, "volumeMounts"):
        where = f"{at}.volumeMounts[{index}]"
        yield from _mount(mount, where)
        if mount.get("mountPropagation") == "Bidirectional":
            yield from refused(f"{where}.mountPropagation: Bidirectional", Allow.PRIVILEGED, rules)
    for index, device in items(container, "volumeDevices"):
        if str(device.get("name", "")).startswith(RESERVED):
            yield f"{at}.volumeDevices[{index}]: this volume is Plumbline's own"


def _mount(mount: Mapping[str, Any], at: str) -> Iterator[str]:
    if str(mount.get("name", "")).startswith(RESERVED):
        yield f"{at}: the volume `{mount['name']}` is Plumbline's own, and specs do not mount it"
    path = known(mount.get("mountPath"))
    if path and _covers(path):
        yield f"{at}.mountPath: `{path}` would hide files of the run contract: mount it outside of /plumbline"
    for field in ("subPath", "subPathExpr"):
        inner = known(mount.get(field))
        if inner.startswith("/") or ".." in inner.split("/"):
            yield f"{at}.{field}: `{inner}` leads out of the volume: write it relative, without `..`"


def _covers(path: str) -> bool:
    """Whether a mount would stand in, or in front of, a folder of ours; folders below the working folder do not."""
    plain = posixpath.normpath("/" + path.lstrip("/"))
    below = plain.startswith(("/plumbline/workdir/", "/plumbline/home/"))
    return plain == "/" or (not below and any(plain == ours or plain.startswith(f"{ours}/") for ours in _OURS))
