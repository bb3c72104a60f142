"""The JSON schemas of Kubernetes, strict: an unknown field fails. Files of the package `kubernetes-validate`."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import referencing
from referencing.jsonschema import DRAFT7

VERSION = "1.37.0"


def faults(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with an object; a kind without a schema there, such as HTTPRoute, is right."""
    validator = _validator(manifest["kind"].lower(), manifest["apiVersion"].lower())
    if validator is None:
        return []
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(manifest)]


@functools.cache
def _validator(kind: str, version: str) -> jsonschema.Draft7Validator | None:
    group, _, version = version.rpartition("/")
    name = "-".join(filter(None, (kind, group.removesuffix(".k8s.io"), version)))
    path = _folder() / f"{name}.json"
    if not path.exists():
        return None
    schema = {**json.loads(path.read_text()), "$id": "file:///root.json"}
    return jsonschema.Draft7Validator(schema, registry=_definitions())


@functools.cache
def _definitions() -> referencing.Registry[Any]:
    """What all of them refer to, read and looked through once."""
    content = json.loads((_folder() / "_definitions.json").read_text())
    resource = referencing.Resource.from_contents(content, default_specification=DRAFT7)
    return referencing.Registry().with_resource("file:///api/_definitions.json", resource).crawl()


@functools.cache
def _folder() -> Path:
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "kubernetes-json-schema" / f"v{VERSION}-local-strict"
