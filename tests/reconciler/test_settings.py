"""Wrong configuration is refused, each problem with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import Unusable
from reconciler.settings import load_settings

pytestmark = pytest.mark.unit

GOOD = "repository: {url: /srv/r.git}\n"
VARIABLE = "must be letters, digits, `_`, `-` or `.`, no digit first"
PORTS = "must be a first and a last port, from 1 to 65535"


def local(text: str) -> str:
    """A configuration with a setting of the local backend, in its second line.."""
    return f"{GOOD}backends: {{local: {{{text}}}}}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(local("ports: [30000, 20000]"), (f"2:27: field `ports` {PORTS}",), id="ports-backwards"),
        pytest.param(local("ports: [0, 99999]"), (f"2:27: field `ports` {PORTS}",), id="ports-out-of-range"),
        pytest.param(local("ports: [0, 10]"), (f"2:27: field `ports` {PORTS}",), id="port-zero"),
        pytest.param(local("ports: [10, 65536]"), (f"2:27: field `ports` {PORTS}",), id="port-too-high"),
        pytest.param(
            local('env: {"A=B": c, "": d, 1A: e}'),
            (f"2:33: field `A=B` {VARIABLE}", f"2:40: field `` {VARIABLE}", f"2:47: field `1A` {VARIABLE}"),
            id="names-of-variables",
        ),
        pytest.param(
            f"{GOOD}---\ninstance: other\n",
            ("3:1: the configuration is one document, and this is another; put it into the first",),
            id="second-document",
        ),
        pytest.param(f"{GOOD}---\n", ("the configuration is one document",), id="empty-second-document"),
    ],
)
def test_it_is_refused_with_its_place(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(text)
    with pytest.raises(Unusable) as refused:
        load_settings(path)
    assert refused.value.message.count(f"{path}") == len(said)
    for words in said:
        assert words in refused.value.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(local("ports: [1, 65535]"), id="every-port"),
        pytest.param(local("ports: [8080, 8080]"), id="one-port"),
        pytest.param(local("env: {A: b, _a-b.c: d}"), id="variables"),
        pytest.param(f"---\n{GOOD}...\n", id="one-document-with-marks"),
    ],
)
def test_it_is_taken(tmp_path: Path, text: str) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(text)
    assert load_settings(path).repository.url == "/srv/r.git"
