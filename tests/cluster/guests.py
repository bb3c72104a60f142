"""What others install in clusters, and our runs meet there: their definitions, given to a cluster of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.api import Api, RefusalError
from tests.cluster.layout import ROOT
from tests.cluster.start import CANNOT, StartError, UnfitError

SETUP = ROOT / "scripts" / "guests-setup"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def made(what: str) -> Path:
    """A program of a guest, or `definitions`, the folder with those of all of them."""
    done = subprocess.run([SETUP, what], capture_output=True, text=True, check=False)
    if done.returncode == CANNOT:
        raise UnfitError(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise StartError(f"scripts/guests-setup {what} failed:\n{done.stderr[-3000:]}")
    return Path(done.stdout.splitlines()[-1])


def documents(pattern: str) -> list[dict[str, Any]]:
    """What the files of the folder of definitions say whose names match."""
    files = sorted(made("definitions").glob(pattern))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a megabyte of one takes half a minute otherwise
    return [one for file in files for one in yaml.load_all(file.read_text(), loader) if one]


def define(api: Api, definitions: list[dict[str, Any]]) -> None:
    """Give a cluster definitions, and wait until it serves what they define."""
    for one in definitions:
        try:
            api.create(DEFINITIONS, one)
        except RefusalError as error:
            if error.status != 409:  # another test has given it, and it stays
                raise
    for one in definitions:
        api.wait(f"{DEFINITIONS}/{one['metadata']['name']}", _is_served)


@contextmanager
def defined(api: Api, pattern: str) -> Iterator[None]:
    """The same for a while: at the end they go, with everything that is of them."""
    wanted = documents(pattern)
    define(api, wanted)
    yield
    for one in wanted:
        api.delete(f"{DEFINITIONS}/{one['metadata']['name']}")


def _is_served(definition: Mapping[str, Any] | None) -> bool:
    conditions = (definition or {}).get("status", {}).get("conditions") or ()
    return any((one["type"], one["status"]) == ("Established", "True") for one in conditions)
