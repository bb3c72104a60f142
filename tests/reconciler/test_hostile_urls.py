"""Addresses that want to lead elsewhere, or to hold a secret, at every place that takes one.

Each is refused with a sentence that repeats no secret, before anything is resolved or connected to. What an owner of
the configuration may say is taken as it stands: a forge on an address of his own network is no attack, while a spec
only ever reaches hosts that the configuration lists.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import yaml

from reconciler.configured_api import repository_of
from reconciler.errors import Refused, Unusable
from reconciler.settings import load_settings
from reconciler.source.remote import parse
from reconciler.urls import Urls
from tests.traps import trapped

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SECRET = "canary-7f3k"


@pytest.fixture
def anyio_backend():
    return "asyncio"


HOLDING = {
    "user-and-password": f"https://user:{SECRET}@forge.example/x",
    "token-as-user": f"https://{SECRET}@forge.example/x",
    "password-alone": f"https://:{SECRET}@forge.example/x",
    "escaped-colon": f"https://user%3A{SECRET}@forge.example/x",
    "scheme-in-capitals": f"HTTPS://user:{SECRET}@forge.example/x",
    "over-plain-http": f"http://user:{SECRET}@forge.example/x",
    "over-ftp": f"ftp://user:{SECRET}@forge.example/x",
    "in-the-port": f"https://forge.example:{SECRET}/x",
    "before-a-bad-port": f"https://user:{SECRET}@forge.example:99999/x",
    "before-half-a-bracket": f"https://user:{SECRET}@[::1/x",
    "in-a-query-of-a-bad-host": f"https://forge .example/x?token={SECRET}",
    "three-slashes": f"https:///user:{SECRET}@forge.example/x",
    "one-slash": f"https:/user:{SECRET}@forge.example/x",
    "no-slash": f"https:user:{SECRET}@forge.example/x",
    "no-protocol": f"//user:{SECRET}@forge.example/x",
    "two-ats": f"https://user:{SECRET}@forge.example@evil.example/x",
    "backslash-before-at": f"https://forge.example\\@{SECRET}@evil.example/x",
    "escaped-slash-before-at": f"https://forge.example%2f{SECRET}@evil.example/x",
    "a-line-end-in-it": f"https://user:{SECRET}\n@forge.example/x",
}
"""Addresses with a secret in them that no place takes."""

BENT = {
    "two-lines": "https://forge.example/x\r\nHost: evil.example",
    "line-end-in-the-middle": "https://forge.example/a\nb",
    "line-end-in-the-host": "https://forge.ex\nample/a",
    "tab": "https://forge.example/\tx",
    "nul": "https://forge.example/\0x",
    "delete": "https://forge.example/x\x7f",
    "space": "https://forge.example/x y",
    "space-in-host": "https://forge.example /x",
    "c1-control": "https://forge.example/x\x9b2J",
    "turned-round": "https://forge.example/\u202egpj.x",
    "of-no-width": "https://for\u200bge.example/x",
    "line-separator": "https://forge.example/\u2028x",
    "port-zero": "https://forge.example:0/x",
    "port-negative": "https://forge.example:-1/x",
    "port-signed": "https://forge.example:+443/x",
    "port-too-high": "https://forge.example:65536/x",
    "port-of-other-digits": "https://forge.example:\uff14\uff14\uff13/x",
    "port-twice": "https://forge.example:443:80/x",
    "very-long-path": "https://forge.example/" + "a" * 100_000,
    "very-long-host": "https://" + "a" * 3_000 + ".example/x",
    "half-a-bracket": "https://[::1/x",
    "ipv4-in-brackets": "https://[127.0.0.1]/x",
    "zone": "https://[fe80::1%25eth0]/x",
    "no-host": "https:///x",
    "host-of-a-dash": "https://-oProxyCommand=x/x",
    "host-of-a-dot": "https://.forge.example/x",
    "host-escaped": "https://%66orge.example/x",
    "host-with-semicolon": "https://forge.example;evil.example/x",
    "host-with-comma": "https://forge.example,evil.example/x",
    "host-of-a-star": "https://*/x",
    "gopher": "gopher://forge.example/x",
    "dict": "dict://forge.example:11211/stat",
    "ftp": "ftp://forge.example/x",
    "git": "git://forge.example/x",
    "javascript": "javascript://forge.example/%0aalert(1)",
    "javascript-alone": "javascript:alert(1)",
    "data": "data:text/plain,kind",
    "helper": "ext::sh -c touch% x",
    "option": "--upload-pack=touch x",
    "ssh-option": "ssh://-oProxyCommand=touch%20x/x",
    "nothing": "",
}
"""Addresses that no place takes, without a secret."""

INWARDS = {
    "loopback": "http://127.0.0.1/x",
    "loopback-by-name": "http://localhost/x",
    "name-with-a-dot-behind": "http://localhost./x",
    "loopback-with-a-dot-behind": "http://127.0.0.1./x",
    "decimal": "http://2130706433/x",
    "octal": "http://0177.0.0.1/x",
    "hexadecimal": "http://0x7f.0.0.1/x",
    "hexadecimal-whole": "http://0x7f000001/x",
    "short": "http://127.1/x",
    "any": "http://0.0.0.0/x",
    "zero": "http://0/x",
    "ipv6": "http://[::1]/x",
    "ipv6-any": "http://[::]/x",
    "ipv6-long": "http://[0:0:0:0:0:0:0:1]/x",
    "ipv6-mapped": "http://[::ffff:127.0.0.1]/x",
    "ipv6-mapped-hex": "http://[::ffff:7f00:1]/x",
    "ipv6-compatible": "http://[::127.0.0.1]/x",
    "nat64": "http://[64:ff9b::7f00:1]/x",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "metadata-over-tls": "https://169.254.169.254/latest/meta-data/",
    "metadata-decimal": "http://2852039166/",
    "metadata-ipv6": "http://[fd00:ec2::254]/",
    "metadata-mapped": "http://[::ffff:a9fe:a9fe]/",
    "metadata-by-name": "http://metadata.google.internal/computeMetadata/v1/",
    "metadata-of-others": "http://100.100.100.200/",
    "circled-digits": "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/x",
    "full-width-dots": "http://127\u30020\u30020\u30021/x",
    "circled-letters": "http://\u24dbocalhost/x",
    "punycode-look-alike": "https://xn--frge-5qa.example/x",
    "look-alike": "https://f\u043erge.example/x",
    "name-that-resolves-there": "http://127.0.0.1.nip.example/x",
    "begins-alike": "https://forge.example.evil.example/x",
    "ends-alike": "https://evilforge.example/x",
    "private": "http://10.0.0.1/x",
    "docker": "http://172.17.0.1:2375/containers/json",
    "unix": "http+unix://%2Fvar%2Frun%2Fdocker.sock/x",
    "file": "file:///etc/passwd",
    "file-on-a-host": "file://localhost/etc/passwd",
}
"""Addresses that lead inside, in all spellings. A spec reaches none of them."""


def told(caught: pytest.ExceptionInfo[BaseException]) -> str:
    """All that a log or a traceback would say of an error."""
    said, error = "", caught.value
    seen: BaseException | None = error
    while seen is not None:
        said += f"{type(seen).__name__} {seen} {seen!r} {getattr(seen, 'message', '')}\n"
        seen = seen.__cause__
    return said


def assert_clear(caught: pytest.ExceptionInfo[BaseException]) -> None:
    """One that says what is wrong, in few words, and repeats no secret and nothing that cannot be seen."""
    message = str(getattr(caught.value, "message", caught.value))
    assert SECRET not in told(caught)
    assert 10 < len(message) < 700
    assert all(line.isprintable() for line in message.split("\n"))


ALL = HOLDING | BENT


@pytest.mark.parametrize("url", ALL.values(), ids=ALL)
def test_no_repository_and_no_hub_is_there(url: str) -> None:
    with trapped(), pytest.raises(Unusable) as caught:
        parse(url)
    assert_clear(caught)


def test_every_one_that_leads_inwards_is_refused_over_plain_http_unless_it_is_loopback() -> None:
    plain = {name: url for name, url in INWARDS.items() if url.startswith("http://")}
    taken = set()
    for name, url in plain.items():
        try:
            parse(url)
        except Unusable:
            continue
        taken.add(name)
    # A repository on this machine is what an owner of the configuration may follow.
    assert taken == {"loopback", "loopback-by-name", "ipv6", "ipv6-long"}


@pytest.mark.parametrize("url", [*ALL.values(), *INWARDS.values()], ids=[*ALL, *INWARDS])
async def test_no_spec_has_it_asked_for(url: str) -> None:
    with trapped(), pytest.raises(Refused) as caught:
        await Urls(["forge.example", "forge.example:8443"]).get(url)
    assert_clear(caught)


WRITTEN = {
    "forge": lambda url: {"forge": {"kind": "gitea", "url": url, "tokenVariable": "TOKEN"}},
    "pages": lambda url: {"pages": {"url": url}},
    "hosts": lambda url: {"hosts": [url]},
}
"""Settings that are judged when the configuration is read."""


@pytest.mark.parametrize("place", WRITTEN)
@pytest.mark.parametrize("url", ALL.values(), ids=ALL)
def test_no_setting_takes_it(tmp_path: Path, place: str, url: str) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(yaml.safe_dump({"repository": {"url": "/srv/models.git"}, **WRITTEN[place](url)}))
    with trapped(), pytest.raises(Unusable) as caught:
        load_settings(path)
    assert_clear(caught)


class Leading(BaseHTTPRequestHandler):
    """Leads to wherever its own address says."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("location", parse_qs(urlsplit(self.path).query)["to"][0])
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def leading() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Leading)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


AWAY = {
    "metadata": "http://169.254.169.254/latest/",
    "another-port": "http://127.0.0.1:1/x",
    "port-zero": "http://127.0.0.1:0/x",
    "another-spelling": "http://2130706433/x",
    "mapped": "http://[::ffff:127.0.0.1]/x",
    "no-protocol": "//evil.example/x",
    "backslashes": "\\\\evil.example\\x",
    "secret": f"http://user:{SECRET}@127.0.0.1/x",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1/x",
    "listed-host": "https://forge.example/x",
}


@pytest.mark.parametrize("to", AWAY.values(), ids=AWAY)
async def test_no_redirect_leads_away(leading: str, to: str) -> None:
    port = int(leading.partition(":")[2])
    with trapped(ports=[port]), pytest.raises(Refused) as caught:
        await Urls([leading, "forge.example"]).get(f"http://{leading}/x?to={quote(to, safe='')}")
    assert_clear(caught)


NAMES = {
    "above": "https://forge.example/team/..",
    "above-escaped": "https://forge.example/team/%2e%2e",
    "another-endpoint": "https://forge.example/team/..%2fadmin",
    "line-end": "https://forge.example/team/mod%0aels",
    "query": "https://forge.example/team/models%3fadmin=1",
    "fragment": "https://forge.example/team/models%23",
    "space": "https://forge.example/team/mod%20els",
    "turned-round": "https://forge.example/team/%e2%80%aesledom",
    "no-team": "https://forge.example/models",
}
"""Repositories whose address says no name that could stand in an address of the API."""


@pytest.mark.parametrize("url", NAMES.values(), ids=NAMES)
def test_the_name_on_the_forge_leads_nowhere_else(tmp_path: Path, url: str) -> None:
    path = tmp_path / "daemon.yaml"
    path.write_text(yaml.safe_dump({"repository": {"url": url}, "forge": {"kind": "gitlab", "tokenVariable": "TOKEN"}}))
    with pytest.raises(Unusable, match=r"forge\.repository is missing") as caught:
        repository_of(load_settings(path))
    assert_clear(caught)


async def test_the_traps_work() -> None:
    with trapped() as seen:
        with pytest.raises(Exception, match="cannot be reached"):
            await Urls(["127.0.0.1:1"]).get("http://127.0.0.1:1/x")
        assert seen
        seen.clear()
