"""Answers questions about Polyaxon, one JSON object a line, in Polyaxon's own environment.

Uses only what its users can: `check_polyaxonfile`, the schemas, and the compilation of an operation. It must never
reach for the network: a document that refers to a hub or a URL is only read.

    {"do": "check", "files": {"a.yaml": "..."}, "main": "a.yaml"}   -> {"ok": true} or {"ok": false, "why": "..."}
    {"do": "read", "document": {...}}                               -> {"ok": true, "read": {...}}
    {"do": "merge", "operation": {...}, "preset": {...}}            -> {"ok": true, "merged": {...}}
    {"do": "time", "folder": "..."}                               -> {"ok": true, "seconds": 0.1, "refused": ["..."]}
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("POLYAXON_NO_API", "true")
os.environ.setdefault("POLYAXON_LOG_LEVEL", "CRITICAL")

import yaml
from kubernetes.client import ApiClient
from polyaxon._polyaxonfile import OperationSpecification, get_specification
from polyaxon._polyaxonfile.check import check_polyaxonfile
from polyaxon.exceptions import PolyaxonException

REMOTE = ("hubRef", "urlRef", "hub_ref", "url_ref")


def _no_network(*_: object) -> None:
    raise OSError("no network here")


def check(asked: dict[str, Any]) -> dict[str, Any]:
    """Whether a document is taken."""
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        for name, text in asked["files"].items():
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        main = Path(folder, asked["main"])
        value = yaml.safe_load(main.read_text())
        if isinstance(value, dict) and (value.get("isPreset") or any(key in value for key in REMOTE)):
            get_specification(data=value)
        else:
            operation = not (isinstance(value, dict) and value.get("kind") == "component")
            check_polyaxonfile(polyaxonfile=str(main), is_cli=False, verbose=False, to_op=operation)
    return {"ok": True}


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """A document as it is understood."""
    return {"ok": True, "read": get_specification(data=asked["document"]).to_dict()}


def merge(asked: dict[str, Any]) -> dict[str, Any]:
    """An operation over its component, after a preset over the operation."""
    operation = OperationSpecification.read(asked["operation"])
    merged = OperationSpecification.compile_operation(operation, override=asked.get("preset"))
    return {"ok": True, "merged": merged.to_dict()}


def timed(asked: dict[str, Any]) -> dict[str, Any]:
    """How long it takes to check every file of a folder."""
    files = sorted(str(path) for path in Path(asked["folder"]).glob("*.yaml"))
    refused = []
    begun = time.perf_counter()
    for file in files:
        try:
            check_polyaxonfile(polyaxonfile=file, is_cli=False, verbose=False, to_op=True)
        except Exception as error:  # noqa: BLE001 -- it is counted
            refused.append(f"{Path(file).name}: {_why(error)}")
    return {"ok": True, "seconds": (time.perf_counter() - begun) / len(files), "refused": refused}


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _plain(value: object) -> object:
    """Objects of Kubernetes as data, anything else as text."""
    return ApiClient().sanitize_for_serialization(value) if hasattr(value, "openapi_types") else str(value)


def _why(error: BaseException) -> str:
    said = []
    seen: BaseException | None = error
    while seen is not None:
        said.append(f"{type(seen).__name__}: {str(seen)[:400]}")
        seen = seen.__cause__
    return " <- ".join(said)


def main() -> None:
    """Answer until the input ends."""
    socket.socket.connect = _no_network  # type: ignore[method-assign,assignment]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the library prints is no answer
    doings = {"check": check, "read": read, "merge": merge, "time": timed}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                answer = doings[asked["do"]](asked)
        except Exception as error:  # noqa: BLE001 -- whatever it raises, it refuses
            answer = {"ok": False, "why": _why(error), "meant": isinstance(error, PolyaxonException | ValueError)}
        answers.write(json.dumps(answer, default=_plain) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
