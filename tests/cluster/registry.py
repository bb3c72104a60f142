"""A registry of images on this machine, for pods and for a node: over TLS, and with a password, as real ones are.

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
from pathlib import Path
from typing import Any

import httpx

from tests.cluster import building, certificates
from tests.cluster.cluster import OwnCluster
from tests.cluster.layout import ROOT
from tests.e2e.harness import until

__all__ = ["PASSWORD", "USER", "Registry"]

SETUP = ROOT / "scripts" / "registry-setup"
USER, PASSWORD = "robot", "a password for nothing else"
_HASHED = "$2b$04$B9Mjlns3P0SH/cPetVHH.uQvOldaxIQ1lb567NlEqgABTJiL.Ql6S"
_MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """One server. The node of its cluster trusts it, and may pull with `access`."""

    def __init__(self, cluster: OwnCluster, folder: Path, port: int) -> None:
        """Start it at a free port of the machine, with its files in `folder`, and wait until it answers."""
        folder.mkdir()
        self.name = f"{cluster.host}:{port}"
        self._folder = folder
        subject = certificates.Subject("registry", addresses=(cluster.host,))
        pair = certificates.sign(cluster.instance, f"registry-{port}", subject)
        self.authority = cluster.instance.certificate("ca")[0]
        cluster.trust(self.name, self.authority)
        built = subprocess.run([SETUP], check=True, capture_output=True, text=True)
        command = [built.stdout.splitlines()[-1], "serve", str(self._configuration(pair))]
        with (folder / "log").open("wb") as log:  # the end of its standard input is the server's
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
        context = ssl.create_default_context(cafile=self.authority)
        self._client = httpx.Client(
            base_url=f"https://{self.name}/v2", verify=context, auth=(USER, PASSWORD), trust_env=False
        )
        until(self._answers, "the registry answers")

    def access(self, password: str = PASSWORD) -> str:
        """The file that opens it, as `docker login` writes it."""
        proof = base64.b64encode(f"{USER}:{password}".encode()).decode()
        return json.dumps({"auths": {self.name: {"auth": proof}}})

    def put(self, archive: Path, name: str) -> str:
        """Push the image of a tar file of OCI's form under a name with a tag; returns how a Dockerfile names it."""
        building.buildah()
        with tempfile.TemporaryDirectory(dir=self._folder) as place:
            files = Path(place)
            (files / "ca.crt").write_bytes(self.authority.read_bytes())
            buildah = ["buildah", "--storage-driver=vfs", f"--root={files}/root", f"--runroot={files}/run"]
            pull = [*buildah, "pull", "--quiet", "--policy=never", f"oci-archive:{archive}"]
            pulled = subprocess.run(pull, check=True, capture_output=True, text=True).stdout.split()[-1]
            opened = [f"--creds={USER}:{PASSWORD}", f"--cert-dir={files}"]
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

    def _configuration(self, pair: tuple[Path, Path]) -> Path:
        people, path = self._folder / "people", self._folder / "registry.json"
        people.write_text(f"{USER}:{_HASHED}\n")
        certificate, key = map(str, pair)
        said = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._folder / "images")}},
            "http": {
                "addr": self.name,
                "secret": "of one server alone",
                "tls": {"certificate": certificate, "key": key},
            },
            "auth": {"htpasswd": {"realm": "registry", "path": str(people)}},
        }
        path.write_text(json.dumps(said))
        return path

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()[-2000:]
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/").status_code == httpx.codes.OK
        return False
