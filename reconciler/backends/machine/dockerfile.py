"""The text of a Dockerfile that a spec describes (reference, section 10.9). It builds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["dockerfile"]


def dockerfile(said: Mapping[str, Any]) -> str:
    """The file; fields by their YAML names, in the order in which an image is made."""
    return "\n".join(_lines(said)) + "\n"


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    shell, workdir = str(said.get("shell") or "/bin/bash"), str(said.get("workdir") or "/code")
    yield f"FROM {_line(said['image'])}"
    yield f"SHELL {json.dumps([shell, '-c'])}"
    if lang := said.get("langEnv"):
        yield from (f"ENV {name}={json.dumps(str(lang))}" for name in ("LC_ALL", "LANG", "LANGUAGE"))
    env = said.get("env")
    yield from (f"ENV {name}={_quoted(value)}" for name, value in (env if isinstance(env, Mapping) else {}).items())
    if paths := _texts(said.get("path")):
        yield f'ENV PATH="{":".join(paths)}:$PATH"'
    yield f"WORKDIR {_line(workdir)}"
    yield from _copied(said.get("copy"), workdir)
    yield from (f"RUN {_command(command, shell)}" for command in _texts(said.get("run")))
    yield from _copied(said.get("postRunCopy"), workdir)
    if source := said.get("workdirPath"):
        yield f"COPY {json.dumps([str(source), workdir])}"
    uid, gid = said.get("uid"), said.get("gid")
    if uid is not None and gid is not None:
        name = _line(said.get("username") or "plumbline")
        yield f"RUN groupadd -g {gid} -r {name} && useradd -r -m -s {shell} -g {name} -u {uid} {name}"
        yield f"USER {uid}:{gid}"


def _copied(value: Any, workdir: str) -> Iterator[str]:
    for one in [value] if isinstance(value, str) else value or ():
        source, target = one if isinstance(one, list | tuple) else (one, workdir)
        yield f"COPY {json.dumps([str(source), str(target)])}"


def _texts(value: Any) -> Sequence[str]:
    return [value] if isinstance(value, str) else [str(text) for text in value or ()]


def _command(text: str, shell: str) -> str:
    """A command; several lines are one word of it, as a new line would begin the next instruction."""
    text = text.strip()
    return json.dumps([shell, "-c", text], ensure_ascii=False) if "\n" in text else text


def _quoted(value: object) -> str:
    """A value between quotes. A `$` stays one: Docker replaces variables, as whoever wrote it may want."""
    return json.dumps(str(value), ensure_ascii=False)


def _line(value: object) -> str:
    return " ".join(str(value).split())
