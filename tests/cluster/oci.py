"""Writes a container image as one file: an OCI layout in a tar, as every engine and `ctr images import` take it.

The same content gives the same bytes, so digests are stable from run to run.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Image:
    """What an image says besides its one layer."""

    name: str
    """With its tag, as a pod names it."""
    command: tuple[str, ...]
    env: tuple[str, ...] = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",)

    @property
    def reference(self) -> str:
        """The full name, by which an engine stores it."""
        return f"docker.io/{self.name}"


def write(path: Path, image: Image, layer: Path) -> None:
    """Write the image of one layer, an uncompressed tar. `path` is there when it is complete."""
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    config = {
        "created": "1970-01-01T00:00:00Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": list(image.command), "Env": list(image.env), "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z"}],
    }
    blobs = {CONFIG: json.dumps(config).encode()}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": described(CONFIG, blobs[CONFIG]),
        "layers": [{"mediaType": LAYER, "digest": f"sha256:{digest}", "size": layer.stat().st_size}],
    }
    blobs[MANIFEST] = json.dumps(manifest).encode()
    names = {"io.containerd.image.name": image.reference, "org.opencontainers.image.ref.name": image.reference}
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{**described(MANIFEST, blobs[MANIFEST]), "annotations": names}],
    }
    beside = path.with_suffix(".part")
    with tarfile.open(beside, "w") as tar:
        add(tar, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
        add(tar, "index.json", json.dumps(index).encode())
        for blob in blobs.values():
            add(tar, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
        entry = tarfile.TarInfo(f"blobs/sha256/{digest}")
        entry.size = layer.stat().st_size
        with layer.open("rb") as file:
            tar.addfile(entry, file)
    beside.rename(path)


def described(kind: str, blob: bytes) -> dict[str, object]:
    return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(blob).hexdigest()}", "size": len(blob)}


def add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """A regular file."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def add_folder(tar: tarfile.TarFile, name: str, mode: int = 0o755) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def add_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    """A symbolic link."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
    tar.addfile(entry)
