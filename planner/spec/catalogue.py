"""The catalogue of connections: an entry of `connections` in the daemon's configuration (reference, section 10.11).

Specs name connections; what they are is said here, once for all repositories. Nothing here holds the value of a secret:
an entry only names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from planner.spec.clashes import Clash, Said, beside, fault, refuse
from planner.spec.places import camel, snake
from planner.spec.shape import Bool, Name, Names, Printed, Section, Whole
from planner.spec.words import kind_of, listed, nearest, short

__all__ = ["KINDS", "Connection", "Connections", "Resource"]

STORES = ("gcs", "s3", "wasb")
"""Kinds that are buckets."""

_ALL = """
    host_path volume_claim gcs s3 wasb registry git aws gcp azure mysql postgres oracle vertica sqlite mssql redis
    presto mongo cassandra ftp grpc hdfs http pig_cli hive_cli hive_metastore hive_server2 jdbc jenkins samba snowflake
    ssh cloudant databricks segment slack teams email discord mattermost pagerduty hipchat webhook custom
"""
KINDS: tuple[str, ...] = tuple(_ALL.split())
"""Every kind of a connection."""

_BUCKET = {"bucket": str}
_OPENS = ("username", "tokenFile", "sshKey", "knownHosts", "certificates")
_SHAPES: Mapping[str, tuple[Mapping[str, type], frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys(STORES, (_BUCKET, frozenset({"bucket"}))),
        "volume_claim": (
            {"volumeClaim": str, "mountPath": str, "readOnly": bool},
            frozenset({"volumeClaim", "mountPath"}),
        ),
        "host_path": ({"hostPath": str, "mountPath": str, "readOnly": bool}, frozenset({"hostPath", "mountPath"})),
        "registry": ({"url": str, "insecure": bool}, frozenset({"url"})),
        "git": (
            {"url": str, "revision": str, "flags": list, **dict.fromkeys(_OPENS, str)},
            frozenset(),
        ),
    }
)
"""By kind: the fields of its `schema`, and those that it must have. Kinds that are not here take any mapping."""
_NEEDED = frozenset({*STORES, "volume_claim", "host_path"})
"""Kinds of which nothing is known without a `schema`."""
_WORDS = {str: "a string", bool: "true or false", list: "a list of strings"}
_VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")


def _kind(value: str) -> str:
    if value not in KINDS:
        near = nearest(value, KINDS)
        hint = f"did you mean `{near}`?" if near else "use `custom` for what has no kind of its own"
        raise fault("PL-206", f"unknown kind `{short(value)}` of a connection", hint)
    return value


def _variables(value: object) -> object:
    """A mapping, or a list of pairs of a name and a value."""
    if not isinstance(value, list):
        return value
    for index, pair in enumerate(value):
        if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[0], str):
            raise fault("PL-203", "{field} must be a mapping, or a list of pairs `[name, value]`", at=(index,))
    return {pair[0]: pair[1] for pair in value}


def _named(value: dict[str, str]) -> dict[str, str]:
    message = "`{}` is not the name of a variable: letters, digits, `_`, `-` and `.`, no digit first"
    refuse(fault("PL-208", message.format(short(name)), at=(name,)) for name in value if not _VARIABLE.fullmatch(name))
    return value


Variables = Annotated[dict[str, Printed], BeforeValidator(_variables), AfterValidator(_named)]
"""Variables by name; numbers and booleans as they print."""


class Resource(Section):
    """A secret or config map that a connection brings along, by name."""

    name: str
    """Name of the secret or config map."""
    mount_path: str | None = None
    """Folder where it is mounted, read-only; without it its keys become variables."""
    items: Names | None = None
    """Keys that are taken; all of them when left out."""
    default_mode: Whole | None = None
    """Mode of the mounted files, as a decimal number."""
    is_requested: Bool | None = None
    """Whether it is only there for runs that ask for it by name."""


class Connection(Section):
    """One connection that specs may name."""

    name: Name
    """What specs call it."""
    kind: Annotated[str, AfterValidator(_kind)]
    """What it leads to."""
    schema_: dict[str, Any] | None = Field(default=None, alias="schema")
    """Where it leads; its fields go by the kind. Templates read it as `connections.NAME`."""
    secret: Resource | None = None
    """Secret with what opens it."""
    config_map: Resource | None = None
    """Config map with further settings of it."""
    env: Variables | None = None
    """Further variables of runs that use it."""
    annotations: dict[str, Printed] | None = None
    """Annotations of runs that use it."""
    description: str | None = None
    tags: Names | None = None

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """The schema fits the kind."""
        kind, schema = said["kind"], said["schema"]
        if not isinstance(kind, str):
            return
        if kind in _NEEDED and schema is None:
            hint = f"with {listed(sorted(_SHAPES[kind][1]))}".replace(" or ", " and ")
            yield ("kind", "schema"), fault("PL-202", f"a connection of kind `{kind}` needs a `schema`", hint)
        if isinstance(schema, dict):
            for one in _schema_faults(kind, schema):
                yield ("kind", "schema"), one

    @property
    def schema_fields(self) -> Mapping[str, Any]:
        """The schema by the YAML names of its fields; empty where there is none."""
        names = _SHAPES.get(self.kind, ({}, frozenset()))[0]
        return {_spelled(name, names): value for name, value in (self.schema_ or {}).items()}


def _spelled(written: str, names: Mapping[str, type]) -> str:
    return camel(written) if camel(written) in names else written


def _schema_faults(kind: str, schema: Mapping[Any, Any]) -> Iterator[PydanticCustomError]:
    url = schema.get("url")
    if isinstance(url, str) and _holds_password(url):
        yield fault("PL-204", "`url` must not hold a password", "put it into a secret", ("schema", "url"))
    if kind not in _SHAPES:
        return
    shape, required = _SHAPES[kind]
    for written, value in schema.items():
        at = ("schema", str(written))
        name = _spelled(str(written), shape)
        if name not in shape:
            near = nearest(str(written), shape)
            hint = f"did you mean `{near}`?" if near else f"known fields: {', '.join(sorted(shape))}"
            yield fault("PL-201", f"unknown field `{short(str(written))}` of a `{kind}`", hint, at)
        elif value is not None and not _is_a(value, shape[name]):
            wanted = _WORDS[shape[name]]
            yield fault("PL-203", f"field `{name}` must be {wanted}, not {kind_of(value)}", at=at)
    for name in sorted(required):
        if schema.get(name) is None and schema.get(snake(name)) is None:
            yield fault("PL-202", f"required field `{name}` is missing", at=("schema",))


def _is_a(value: object, kind: type) -> bool:
    if kind is list:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, kind) and value != ""


def _holds_password(url: str) -> bool:
    authority = re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[0]
    return ":" in authority.rpartition("@")[0]


def _twice(entries: Any) -> Iterator[Clash]:
    seen: set[str] = set()
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in seen:
            message = f"two connections named `{short(name)}`"
            yield (str(index),), fault("PL-211", message, "rename one of them", (index, "name"))
        seen.add(str(name))


Connections = Annotated[tuple[Connection, ...], beside(_twice)]
"""All connections; each name once."""
