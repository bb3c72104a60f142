"""The image of the Dockerfile, built here with buildah from the Debian image of the tests: no registry is asked.

A tar file in the user's cache, by what goes into it. Packages of Python are downloaded once for each lock file, by pip,
and the layer of them is made once: buildah keeps its layers in the user's cache too.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.cluster import images
from tests.cluster.layout import ROOT, cache

PLUMBLINE = "plumbline-test/plumbline:1"
SETUP = ROOT / "scripts" / "chart-setup"
KEPT = 4
"""Archives of earlier contents that stay: other checkouts of this machine may be at work with them."""
_SOURCES = ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE", "scripts/wheels", "requirements")
_PACKAGES = ("planner", "reconciler")
_LIBRARIES = "plumbline-test/libraries:1"


class BuildError(Exception):
    """The image or a program cannot be made: the last words of what failed."""


def helm() -> Path:
    """The program helm; made if it is not there."""
    return Path(_said([str(SETUP), "helm"]).splitlines()[-1])


def buildah() -> None:
    """Make sure that buildah is on this machine."""
    _said([str(SETUP)])


def archive() -> Path:
    """The tar file of our image; built if there is none of this content."""
    base = images.archive(images.PYTHON)
    path = cache() / "images" / f"plumbline-{_key(base)}.tar"
    if path.exists():
        return path
    buildah()
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                _build(path, base, Path(folder))
    path.with_suffix(".lock").unlink(missing_ok=True)
    earlier = sorted(path.parent.glob("plumbline-????????????????.tar"), key=_made_at)
    for one in earlier[:-KEPT]:
        one.unlink(missing_ok=True)
    return path


def _made_at(archive: Path) -> float:
    """When it was made; long ago where somebody else has just removed it."""
    try:
        return archive.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _build(path: Path, base: Path, folder: Path) -> None:
    context = folder / "context"
    context.mkdir()
    for name in (*_SOURCES, *_PACKAGES):
        (context / name).parent.mkdir(exist_ok=True)
        _copy(ROOT / name, context / name)
    # The same Python as the image's: Debian's, whatever runs the tests.
    _said([str(ROOT / "scripts/wheels"), str(context / "wheels"), str(cache() / "wheels")], PYTHON="/usr/bin/python3")
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with _storage(base) as buildah:
        named = _said([*buildah, "pull", "--policy", "never", f"oci-archive:{base}"]).split()[-1]
        how = ["--isolation", "chroot", "--pull-never", "--layers", "--build-arg", f"BASE={named}", str(context)]
        _said([*buildah, "bud", "--target", "libraries", "--tag", _LIBRARIES, *how])
        _said([*buildah, "bud", "--tag", PLUMBLINE, *how])
        _said([*buildah, "push", PLUMBLINE, f"docker-archive:{part}:docker.io/{PLUMBLINE}"])
        _said([*buildah, "rmi", "--prune"])  # what only the image before this one had
    part.rename(path)


@contextlib.contextmanager
def _storage(base: Path) -> Iterator[list[str]]:
    """buildah with the layers of earlier builds on the same base; one build at a time."""
    place = cache() / "buildah"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        storage = place / hashlib.sha256(base.name.encode()).hexdigest()[:16]
        for other in set(place.iterdir()) - {storage, place / "lock"}:
            shutil.rmtree(other)
        buildah = ["buildah", "--storage-driver", _driver(), "--root", str(storage), "--runroot", str(storage / "run")]
        _said([*buildah, "rm", "--all"])  # of a build that was killed
        yield buildah


def _driver() -> str:
    """Layers on layers do not go where the cache is one itself."""
    kind = _said(["stat", "--file-system", "--format", "%T", str(cache())])
    return "vfs" if kind.strip() == "overlayfs" else "overlay"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _key(base: Path) -> str:
    digest = hashlib.sha256(f"{base.name} {Path(__file__).read_text()}".encode())
    for path in _files():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT)} {len(content)} {path.stat().st_mode & 0o111} ".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _files() -> Iterator[Path]:
    for name in (*_SOURCES, *_PACKAGES):
        path = ROOT / name
        found = [path] if path.is_file() else sorted(one for one in path.rglob("*") if one.is_file())
        yield from (one for one in found if "__pycache__" not in one.parts)


def _said(argv: list[str], **env: str) -> str:
    done = subprocess.run(argv, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(argv[:4])} … ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout
