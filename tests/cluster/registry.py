"""A registry of images on this machine: over TLS and with a password, as real ones are, or open to whoever asks.

It is the server that most registries are made of (`distribution`), with its images in a folder of the test.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from tests.cluster import building, certificates
from tests.cluster.cluster import OwnCluster
from tests.cluster.layout import ROOT
from tests.cluster.start import CANNOT, UnfitError
from tests.e2e.harness import until

__all__ = ["PASSWORD", "USER", "Keys", "Registry"]

SETUP = ROOT / "scripts" / "registry-setup"
USER, PASSWORD = "robot", "a password for nothing else"
_HASHED = "$2b$04$B9Mjlns3P0SH/cPetVHH.uQvOldaxIQ1lb567NlEqgABTJiL.Ql6S"
_MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


def _program() -> str:
    built = subprocess.run([SETUP], check=False, capture_output=True, text=True)
    if built.returncode == CANNOT:
        raise UnfitError(built.stderr.strip().splitlines()[-1])
    assert not built.returncode, built.stderr[-3000:]
    return built.stdout.splitlines()[-1]


@dataclass(frozen=True)
class Keys:
    """The files of a server with TLS and a password, and of the authority that whoever asks it trusts."""

    certificate: Path
    key: Path
    authority: Path


class Registry:
    """One server."""

    def __init__(self, folder: Path, name: str, keys: Keys | None = None) -> None:
        """Start it at `name`, `host:port`, with its files in `folder`, and wait until it answers.

        Without keys it is open to everybody. Raises UnfitError on a machine that cannot have one.
        """
        folder.mkdir()
        self.name = name
        self.keys = keys
        self._folder = folder
        command = [_program(), "serve", str(self._configuration())]
        with (folder / "log").open("wb") as log:  # the end of its standard input is the server's
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
        proof = ssl.create_default_context(cafile=keys.authority) if keys else False
        scheme = "https" if keys else "http"
        self._client = httpx.Client(
            base_url=f"{scheme}://{name}/v2", verify=proof, auth=(USER, PASSWORD) if keys else None, trust_env=False
        )
        until(self._answers, "the registry answers")

    @classmethod
    def of_cluster(cls, cluster: OwnCluster, folder: Path, port: int) -> Self:
        """One over TLS with a password, which the node of a cluster trusts, and may pull from with `access`."""
        name = f"{cluster.host}:{port}"
        subject = certificates.Subject("registry", addresses=(cluster.host,))
        pair = certificates.sign(cluster.instance, f"registry-{port}", subject)
        keys = Keys(*pair, cluster.instance.certificate("ca")[0])
        cluster.trust(name, keys.authority)
        return cls(folder, name, keys)

    def access(self, password: str = PASSWORD) -> str:
        """The file that opens it, as `docker login` writes it."""
        proof = base64.b64encode(f"{USER}:{password}".encode()).decode()
        return json.dumps({"auths": {self.name: {"auth": proof}}})

    def put(self, archive: Path, name: str) -> str:
        """Push the image of a tar file of OCI's form under a name with a tag; returns how a Dockerfile names it."""
        building.buildah()
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            files = Path(place)
            opened = ["--tls-verify=false"]
            if self.keys:
                (files / "ca.crt").write_bytes(self.keys.authority.read_bytes())
                opened = [f"--creds={USER}:{PASSWORD}", f"--cert-dir={files}"]
            buildah = ["buildah", "--storage-driver=vfs", f"--root={files}/root", f"--runroot={files}/run"]
            pull = [*buildah, "pull", "--quiet", "--policy=never", f"oci-archive:{archive}"]
            pulled = subprocess.run(pull, check=True, capture_output=True, text=True).stdout.split()[-1]
            push = [*buildah, "push", "--quiet", *opened, pulled, f"docker://{self.name}/{name}"]
            subprocess.run(push, check=True, capture_output=True)
        return f"{self.name}/{name}"

    def tags(self, repository: str) -> list[str]:
        """The tags that a repository has; none of one that is not there."""
        found: dict[str, Any] = self._client.get(f"/{repository}/tags/list").json()
        return sorted(found.get("tags") or ())

    def digest(self, repository: str, tag: str) -> str:
        """What it has under a tag: the digest of the very bytes that it serves."""
        answer = self._client.get(f"/{repository}/manifests/{tag}", headers={"Accept": _MANIFESTS})
        found = f"sha256:{hashlib.sha256(answer.raise_for_status().content).hexdigest()}"
        assert answer.headers["Docker-Content-Digest"] == found
        return found

    def close(self) -> None:
        """End it."""
        self._client.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    # --- parts

    def _configuration(self) -> Path:
        path = self._folder / "registry.json"
        said: dict[str, Any] = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "images")}},
            "http": {"addr": self.name, "secret": "of one server alone"},
        }
        if self.keys:
            people = self._folder / "people"
            people.write_text(f"{USER}:{_HASHED}\n")
            said["http"]["tls"] = {"certificate": str(self.keys.certificate), "key": str(self.keys.key)}
            said["auth"] = {"htpasswd": {"realm": "registry", "path": str(people)}}
        path.write_text(json.dumps(said))
        return path

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/").status_code == httpx.codes.OK
        return False
