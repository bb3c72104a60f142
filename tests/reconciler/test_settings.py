"""Wrong configuration is refused, each problem with its place and what to do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from planner.desire.view import Identity
from planner.model.retention import Retention
from reconciler.configured import channels_of, config_of, exposed, lookup_of, policy_of, store_of
from reconciler.errors import Unusable
from reconciler.messages import Address, HttpChannel
from reconciler.ports_sweep import Kept
from reconciler.settings import load_settings

pytestmark = pytest.mark.unit

GOOD = "repository: {url: /srv/r.git}\n"
ELECTION = f"{GOOD}backend: kubernetes\nledger: {{url: 'postgresql://db/l'}}\n"
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
        pytest.param(
            f"{GOOD}election: {{lease: a, namespace: b}}\n",
            ("2:11: an election needs `backend: kubernetes`: runs of this machine can be led from this machine only",),
            id="election-here",
        ),
        pytest.param(
            f"{GOOD}backend: kubernetes\nelection: {{lease: a, namespace: b}}\n",
            ("3:11: an election needs `ledger.url`: the file of one replica is not there for the others",),
            id="election-of-a-file",
        ),
        pytest.param(
            f"{ELECTION}election: {{lease: A_b, namespace: B, duration: 1.5, renew: 0, retry: soon}}\n",
            (
                "field `lease` must be the name of a Lease",
                "field `namespace` must be the name of a namespace",
                "field `duration` must be whole seconds",
                "field `renew` must be from 0.2 seconds to an hour",
                "`soon` is not a duration",
            ),
            id="election-of-nonsense",
        ),
        pytest.param(
            f"{ELECTION}election: {{lease: a, duration: PT12S}}\n",
            ("4:11: `renew` and `retry` together must be shorter than `duration`",),
            id="election-that-has-two-leaders",
        ),
        pytest.param(
            f"{ELECTION}election: {{lease: a, retry: 5.1, duration: 30}}\n",
            ("4:29: `retry` must be half of `renew` at most",),
            id="election-that-never-fails-once",
        ),
        pytest.param(
            f"{GOOD}api: {{events: 127.0.0.1:8070}}\n",
            ("2:6: `events` needs `tokens`: nobody could send any; make one with `plumbline event token NAME`",),
            id="events-for-nobody",
        ),
        pytest.param(
            f"{GOOD}api: {{events: 8070, tokens: [{{name: a, sha256: secret}}]}}\n",
            (
                "2:15: field `events` must be a string, not a number",
                "2:48: field `sha256` must be the digest of `plumbline event token`, not the token",
            ),
            id="an-address-and-a-token",
        ),
        pytest.param(
            f"{GOOD}api: {{tokens: [{{name: a, sha256: {'ab' * 32}}}, {{name: a, sha256: {'cd' * 32}}}]}}\n",
            ("2:6: two tokens have the same name; give each sender one of its own",),
            id="tokens-of-one-name",
        ),
        pytest.param(
            f"{GOOD}api: {{health: 0.0.0.0:8060}}\n",
            ("reaches it reads it without a token; or say `healthOpen: true`",),
            id="health-for-all",
        ),
        pytest.param(
            f"{GOOD}retention: {{events: PT1H, history: 60, commits: 10, caches: 0}}\n",
            (
                "2:21: field `events` must be a day or more",
                "2:36: field `history` must be a day or more",
                "2:49: field `commits` must be 500 or more",
                "2:61: field `caches` must be an hour or more",
            ),
            id="too-little-is-kept",
        ),
        pytest.param(
            f"{GOOD}artifactsStore: {{url: s3://b, keepLocal: 60}}\n",
            ("2:42: field `keepLocal` must be an hour or more",),
            id="a-folder-that-goes-at-once",
        ),
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


OUTSIDE = {
    "a kind with a slip": (
        "connections: [{name: a, kind: postgress}]",
        ("2:31: unknown kind `postgress` of a connection; did you mean `postgres`?",),
    ),
    "a connection without its schema": (
        "connections:\n  - {name: a, kind: s3}",
        ("3:5: a connection of kind `s3` needs a `schema`; with `bucket`",),
    ),
    "a schema of another kind": (
        "connections:\n  - {name: a, kind: git, schema: {ulr: x}}",
        ("3:40: unknown field `ulr` of a `git`; did you mean `url`?",),
    ),
    "two connections of one name": (
        "connections: [{name: a, kind: ssh}, {name: a, kind: git}]",
        ("2:44: two connections named `a`; rename one of them",),
    ),
    "an amount that is none": (
        "queues: {a: {resources: {cpu: many}}}",
        ("2:31: `many` is no amount; write a number, or 500m, 2Gi",),
    ),
    "a queue with a slip": ("queues: {a: {run: 1}}", ("2:14: unknown field `run`; did you mean `runs`?",)),
    "a hub of nothing": ("hubs: [{name: a}]", ("2:8: a hub is a `path` or a `repository`; name one of them",)),
    "a hub of both": (
        "hubs: [{name: a, path: /a, repository: {url: /b}}]",
        ("2:40: a hub is a `path` or a `repository`; name one of them",),
    ),
    "a hub at two places": (
        "hubs: [{name: a, repository: {url: /b, branch: c, tag: d}}]",
        ("2:56: a hub is read at a `branch` or at a `tag`; keep one of them",),
    ),
    "hubs of one name": (
        "hubs: [{name: a, path: /a}, {name: a, path: /b}, {name: plumbline, path: /c}]",
        ("2:36: there is a hub named `a` already", "2:57: there is a hub named `plumbline` already"),
    ),
    "a host that is a URL": (
        "hosts: ['https://example.org/']",
        ("2:9: item 1 of `hosts` must be a host, or host:port; such as components.example.org",),
    ),
    "a host with a path": ("hosts: [example.org/a]", ("2:9: item 1 of `hosts` must be a host",)),
    "a port that is none": ("hosts: ['a.org:0', 'a.org:x', 'a.org:70000']", ("2:9: ", "2:20: ", "2:31: ")),
    "a store without a protocol": (
        "artifactsStore: {url: /srv/x}",
        ("2:23: field `url` must be a URL with a protocol and without a query; such as s3://bucket/prefix",),
    ),
    "a store with a password": (
        "artifactsStore: {url: 'ftp://a:b@c/d'}",
        ("2:23: field `url` must not hold a password",),
    ),
    "a secret in the options": (
        "artifactsStore: {url: 's3://b', options: {client_kwargs: {aws_secret_access_key: x}}}",
        ("the option `aws_secret_access_key` is a secret, and must not stand in the configuration",),
    ),
    "an option said twice": (
        "artifactsStore: {url: 's3://b', options: {key: x}, optionVariables: {key: K}}",
        ("the option `key` is given twice; keep one of them",),
    ),
    "a ledger that is no URL": (
        "ledger: {url: db.example.org}",
        ("2:15: field `url` must be a URL of PostgreSQL; such as postgresql://",),
    ),
    "a ledger elsewhere": ("ledger: {url: 'mysql://db/x'}", ("2:15: field `url` must be a URL of PostgreSQL",)),
    "a ledger with a password": (
        "ledger: {url: 'postgresql://ada:s3cr3t@db/x'}",
        ("2:15: field `url` must not hold a password; name what holds it in passwordFile or passwordVariable",),
    ),
    "a ledger with a password among the parameters": (
        "ledger: {url: 'postgresql://db/x?sslmode=require&Password=s3cr3t'}",
        ("2:15: field `url` must not hold a password",),
    ),
    "a ledger with two passwords": (
        "ledger: {url: 'postgresql://db/x', passwordFile: /p, passwordVariable: P}",
        ("a password comes from a file or from a variable; keep one",),
    ),
    "a ledger without a URL": ("ledger: {wait: 5}", ("missing",)),
    "a namespace that is no name": ("namespaces: [a b]", ("2:14: `a b` is not a name",)),
}


@pytest.mark.parametrize(("text", "said"), OUTSIDE.values(), ids=OUTSIDE)
def test_what_specs_may_name_is_checked(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    test_it_is_refused_with_its_place(tmp_path, f"{GOOD}{text}\n", said)


def test_what_specs_may_name_reaches_the_compiler(tmp_path: Path) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(
        f"""{GOOD}hubs:
  - {{name: team, path: {tmp_path}}}
  - {{name: far, repository: {{url: 'https://forge.example/hub.git', tag: v1}}}}
hosts: [Components.example.org, 'http://10.0.0.1:8080']
connections:
  - {{name: data, kind: s3, schema: {{bucket: 's3://b'}}, secret: {{name: keys}}}}
queues: {{gpu: {{runs: 2, resources: {{nvidia.com/gpu: 4}}, priority: -1}}, rest: }}
namespaces: [team-a]
"""
    )
    settings = load_settings(path)
    config = config_of(settings, Identity("default", "demo"))

    assert settings.hosts == ("components.example.org", "http://10.0.0.1:8080")
    assert set(config.connections or ()) == {"data"}
    assert {name: (one.runs, one.priority) for name, one in (config.queues or {}).items()} == {
        "gpu": (2, -1),
        "rest": (None, 0),
    }
    assert config.namespaces == {"team-a"}
    assert lookup_of(settings) is not None


def test_without_queues_every_name_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(GOOD)
    config = config_of(load_settings(path), Identity("default", "demo"))

    assert (config.queues, config.namespaces, config.connections) == (None, None, {})


@pytest.mark.parametrize(
    "hub", ["{url: 'ext::sh'}", "{url: /r, branch: a..b}", "{url: 'https://a.org/r', access: {username: a}}"]
)
def test_a_hub_that_cannot_be_opened_is_refused(tmp_path: Path, hub: str) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(f"{GOOD}hubs: [{{name: a, repository: {hub}}}]\n")
    settings = load_settings(path)
    with pytest.raises(Unusable):
        lookup_of(settings)


@pytest.mark.parametrize(
    ("address", "count"),
    [("127.0.0.1:8070", 0), ("[::1]:8070", 0), ("localhost:8070", 0), ("0.0.0.0:8070", 1), ("example.org:8070", 1)],
)
def test_a_listener_that_others_reach_without_tls_is_said(tmp_path: Path, address: str, count: int) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(f'{GOOD}api: {{events: "{address}", tokens: [{{name: a, sha256: {"ab" * 32}}}]}}\n')
    said = list(exposed(load_settings(path)))
    assert [words.startswith(f"api.events answers on {address} without TLS") for words in said] == [True] * count


def test_how_much_is_kept_of_what_belongs_to_no_run(tmp_path: Path) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(f"{GOOD}retention: {{count: 5, events: P7D, history: P30D, commits: 600, caches: PT2H}}\n")
    policy = policy_of(load_settings(path), Identity("default", "r"), ())
    assert policy.retention == Retention(count=5)
    assert policy.kept == Kept(timedelta(days=7), timedelta(days=30), 600, timedelta(hours=2))
    path.write_text(f"{GOOD}artifactsStore: {{url: s3://b, keepLocal: P14D}}\n")
    assert policy_of(load_settings(path), Identity("default", "r"), ()).kept == Kept(local=timedelta(days=14))
    path.write_text(GOOD)
    assert policy_of(load_settings(path), Identity("default", "r"), ()).kept == Kept()


def test_people_are_told_through_connections_of_some_kinds(tmp_path: Path) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(
        f"{GOOD}connections:\n"
        "  - {name: chat, kind: slack, schema: {urlFile: /run/hook}}\n"
        "  - {name: pager, kind: webhook, schema: {url: 'https://a.b/c', tokenVariable: TOKEN, more: 1}}\n"
        "  - {name: bare, kind: discord}\n"
        "  - {name: data, kind: s3, schema: {bucket: 's3://a'}}\n"
    )
    channels = channels_of(load_settings(path))
    said = {name: (one.kind, one.address) for name, one in channels.items() if isinstance(one, HttpChannel)}
    assert said == {
        "chat": ("slack", Address(url_file="/run/hook")),
        "pager": ("webhook", Address(url="https://a.b/c", token_variable="TOKEN")),
        "bare": ("discord", Address()),
    }


def test_a_store_has_its_secrets_from_files_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, path = tmp_path / "secret", tmp_path / "daemon.yaml"
    secret.write_text("s3cr3t\n")
    secret.chmod(0o600)
    monkeypatch.setenv("STORE_KEY", "AKIA")
    named = f"optionFiles: {{secret: {secret}}}, optionVariables: {{key: STORE_KEY}}"
    path.write_text(f"{GOOD}artifactsStore: {{url: 's3://bucket/kept', options: {{anon: false}}, {named}}}\n")
    store = store_of(load_settings(path))
    assert store is not None
    assert (store.url, store._files.key, store._files.secret) == ("s3://bucket/kept", "AKIA", "s3cr3t")
    secret.chmod(0o644)
    with pytest.raises(Unusable, match="can be read by others: chmod 600"):
        store_of(load_settings(path))
    secret.unlink()
    with pytest.raises(Unusable, match=r"artifactsStore\.optionFiles\.secret: .* cannot be read: No such file"):
        store_of(load_settings(path))
    monkeypatch.delenv("STORE_KEY")
    path.write_text(f"{GOOD}artifactsStore: {{url: 's3://b', optionVariables: {{key: STORE_KEY}}}}\n")
    with pytest.raises(Unusable, match="the daemon has no variable STORE_KEY"):
        store_of(load_settings(path))


@pytest.mark.parametrize("url", ["postgresql://ada:s3cr3t@db/x", "postgresql://db/x?password=s3cr3t"])
def test_a_password_in_the_wrong_place_is_not_said_again(tmp_path: Path, url: str) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(f"{GOOD}ledger: {{url: '{url}'}}\n")
    with pytest.raises(Unusable, match="must not hold a password") as raised:
        load_settings(path)
    assert "s3cr3t" not in raised.value.message


def test_without_a_store_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(GOOD)
    assert store_of(load_settings(path)) is None
