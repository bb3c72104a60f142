"""Images of the tests, made on the spot from Debian's packages: no registry is asked.

Each is a tar file in the user's cache, by its recipe, made once. Names have a tag other than `latest`, so that a pod
that says nothing of it takes the image that is there.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler import tracking
from reconciler.backends.kubernetes import agent
from tests.cluster import oci
from tests.cluster.layout import ROOT, cache

PAUSE = "plumbline-test/pause:1"
"""Process 1 of every pod: holds its namespaces, reaps orphans where a pod shares its processes, ends on SIGTERM."""
BUSYBOX = "plumbline-test/busybox:1"
"""A shell and small programs, `httpd`, `nc` and `wget` among them (not `wget -T`: Debian's crashes). 4 MB."""
PYTHON = "plumbline-test/python:1"
"""Debian with its Python, git and certificates; what a user's image would be. About 200 MB."""
AGENT = "plumbline-test/agent:1"
"""The same with the agent of run pods, where an image of Plumbline has it."""
SAMPLE = "plumbline-test/sample:1"
"""The same as PYTHON with the libraries of `sample-repo`: the image that its Dockerfile makes elsewhere."""
BUILDAH = "plumbline-test/buildah:1"
"""BUSYBOX with Debian's buildah and a user 1000 who has further users below it, as images of buildah have. 35 MB."""

RECIPE = 1
"""Raised when what is done below with the rest changes: the files in the cache are then made anew."""
BUSYBOX_PROGRAM = Path("/bin/busybox")
PACKAGES = ("python3", "python3-venv", "git", "ca-certificates")
SUITE = "bookworm"
UNUSED = (
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
BUILDAH_PROGRAMS = tuple(Path("/usr/bin", name) for name in ("buildah", "newuidmap", "newgidmap"))
BUILDAH_FILES = tuple(Path("/etc/containers", name) for name in ("policy.json", "registries.conf"))
AGENT_FILES = {"plumbline-agent.py": Path(agent.__file__), "plumbline_tracking.py": Path(tracking.__file__)}
_REQUIREMENTS, _LOCK = ROOT / "sample-repo" / "requirements.txt", ROOT / "requirements" / "demo.txt"
_LIBRARIES = "usr/local/lib/python3.11/dist-packages"
PEOPLE = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"
FOLDERS = {"usr": 0o755, "usr/bin": 0o755, "etc/containers": 0o755, "var": 0o755, "var/tmp": 0o1777, "home": 0o1777}
MAY = {"newuidmap": 7, "newgidmap": 6}
"""The one capability of each, CAP_SETUID and CAP_SETGID, as in images of buildah; Debian's have all rights of root."""
BELOW = "build:1:999\nbuild:1001:64535\nnobody:1:65533\n"
"""The users, and groups, that user 1000 and nobody may use in namespaces of their own: all others but 0."""
HOLD = "trap exit TERM INT; while :; do sleep 86400 & wait; done"


def archive(name: str) -> Path:
    """The tar file of an image; made if it is not there yet."""
    recipes = {PAUSE: _small, BUSYBOX: _small, BUILDAH: _buildah, PYTHON: _debian, AGENT: _agent, SAMPLE: _sample}
    recipe = recipes[name]
    command = {PAUSE: ("/bin/sh", "-c", HOLD), BUSYBOX: ("/bin/sh",), BUILDAH: ("/bin/sh",)}.get(name, ("/bin/bash",))
    image = oci.Image(name, command)
    source = repr((image, RECIPE, PACKAGES, SUITE, UNUSED)).encode() + Path(oci.__file__).read_bytes()
    if recipe is _small:
        source += _content(BUSYBOX_PROGRAM, *_libraries(BUSYBOX_PROGRAM))
    if recipe is _buildah:
        made = (BUSYBOX_PROGRAM, *BUILDAH_PROGRAMS)
        source += _content(*made, *BUILDAH_FILES, *_libraries(*made)) + repr((BELOW, MAY, FOLDERS)).encode()
    if recipe is _agent:
        source += b"".join(path.read_bytes() for path in AGENT_FILES.values())
    if recipe is _sample:
        source += _REQUIREMENTS.read_bytes() + _LOCK.read_bytes()
    path = cache() / "images" / f"{re.sub('[^a-z0-9]+', '-', name)}-{hashlib.sha256(source).hexdigest()[:16]}.tar"
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make(path, image, recipe)
    return path


def _make(path: Path, image: oci.Image, recipe: Callable[[tarfile.TarFile, Path], None]) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        layer = Path(folder) / "layer.tar"
        with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
            recipe(tar, Path(folder))
        oci.write(path, image, layer)


def _small(tar: tarfile.TarFile, _: Path) -> None:
    _busybox(tar, _libraries(BUSYBOX_PROGRAM), PEOPLE, GROUPS)


def _buildah(tar: tarfile.TarFile, _: Path) -> None:
    programs = (BUSYBOX_PROGRAM, *BUILDAH_PROGRAMS)
    _busybox(tar, _libraries(*programs), f"{PEOPLE}build:x:1000:1000:build:/home:/bin/sh\n", f"{GROUPS}build:x:1000:\n")
    for folder, mode in FOLDERS.items():
        oci.add_folder(tar, folder, mode)
    tar.format = tarfile.PAX_FORMAT
    for path in (*BUILDAH_PROGRAMS, *BUILDAH_FILES):
        entry = tarfile.TarInfo(path.relative_to("/").as_posix())
        entry.size, entry.mode = path.stat().st_size, 0o755 if path in BUILDAH_PROGRAMS else 0o644
        if path.name in MAY:  # VFS_CAP_REVISION_2, effective
            value = struct.pack("<5I", 0x02000001, 1 << MAY[path.name], 0, 0, 0)
            entry.pax_headers = {"SCHILY.xattr.security.capability": value.decode("utf-8", "surrogateescape")}
        tar.addfile(entry, io.BytesIO(path.read_bytes()))
    for name in ("subuid", "subgid"):
        oci.add(tar, f"etc/{name}", BELOW.encode())


def _busybox(tar: tarfile.TarFile, libraries: list[Path], people: str, groups: str) -> None:
    for name, mode in {"bin": 0o755, "etc": 0o755, "root": 0o700, "tmp": 0o1777}.items():
        oci.add_folder(tar, name, mode)
    oci.add(tar, "bin/busybox", BUSYBOX_PROGRAM.read_bytes(), 0o755)
    for library in libraries:
        for parent in reversed(library.relative_to("/").parents[:-1]):
            if parent.as_posix() not in tar.getnames():
                oci.add_folder(tar, parent.as_posix())
        oci.add(tar, library.relative_to("/").as_posix(), library.read_bytes(), 0o755)
    listed = subprocess.run([BUSYBOX_PROGRAM, "--list"], check=True, capture_output=True, text=True).stdout.split()
    for program in sorted(set(listed) - {"busybox"}):
        oci.add_link(tar, f"bin/{program}", "busybox")
    oci.add(tar, "etc/passwd", people.encode())
    oci.add(tar, "etc/group", groups.encode())
    oci.add(tar, "etc/nsswitch.conf", b"hosts: files dns\n")


def _libraries(*programs: Path) -> list[Path]:
    """What they are linked with. A static busybox would not resolve names: glibc loads that part in any case."""
    shown = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    return sorted({Path(path) for path in re.findall(r"(/\S+) \(0x", shown)})


def _content(*paths: Path) -> bytes:
    return b"".join(path.read_bytes() for path in paths)


def _debian(tar: tarfile.TarFile, folder: Path) -> None:
    root = folder / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), _mirror()]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"debootstrap could not make {PYTHON}: {made.stdout[-2000:]}{made.stderr[-2000:]}")
    for current, folders, files in os.walk(root):
        here = Path(current)
        inside = here.relative_to(root).as_posix()
        folders[:] = [] if inside in UNUSED else sorted(folders)
        names = [] if inside in UNUSED else files
        links = [name for name in folders if (here / name).is_symlink()]
        for name in [".", *sorted([*names, *links])]:
            tar.add(here / name, (Path(inside) / name).as_posix(), recursive=False, filter=_timeless)


def _agent(tar: tarfile.TarFile, _: Path) -> None:
    _onto_python(tar)
    for name, path in AGENT_FILES.items():
        oci.add(tar, name, path.read_bytes())


def _sample(tar: tarfile.TarFile, folder: Path) -> None:
    _onto_python(tar)
    pinned = re.findall(r"^([\w.-]+==[^\\\n]+)", _LOCK.read_text(), re.MULTILINE)
    (folder / "pinned.txt").write_text("\n".join(pinned))
    # The same version of Python as the image's, so that what is compiled fits.
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        str(folder / "site"),
        "--only-binary",
        ":all:",
    ]
    command += ["--python-version", "3.11", "-c", str(folder / "pinned.txt"), "-r", str(_REQUIREMENTS)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(f"pip could not make {SAMPLE}: {made.stderr[-2000:]}")
    for path in sorted((folder / "site").rglob("*")):
        place = f"{_LIBRARIES}/{path.relative_to(folder / 'site').as_posix()}"
        tar.add(path, place, recursive=False, filter=_timeless)
    oci.add_link(tar, "usr/local/bin/python", "/usr/bin/python3")


def _onto_python(tar: tarfile.TarFile) -> None:
    with tarfile.open(archive(PYTHON)) as image:
        largest = max(image, key=lambda entry: entry.size)
        with tarfile.open(fileobj=image.extractfile(largest), mode="r|") as layer:
            for entry in layer:
                tar.addfile(entry, layer.extractfile(entry) if entry.isreg() else None)


def _timeless(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime = 0
    return entry


def _mirror() -> str:
    """Where this machine gets its packages from."""
    for path in (*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")):
        if path.exists():
            found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?)\s+(https?://\S+debian/?)\s", path.read_text(), re.MULTILINE)
            if found:
                return found[1]
    return "http://deb.debian.org/debian"
