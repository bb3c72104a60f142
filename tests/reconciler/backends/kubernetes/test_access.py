"""Through which proxy a cluster is reached: that of the kubeconfig, else that of the environment, or none."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
import yaml

from reconciler.backends.kubernetes.access import Access, configured
from reconciler.backends.kubernetes.client import Api
from reconciler.errors import Transient

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

SERVER = "https://api.example.org:6443"
ADA = base64.b64encode(b"ada:p@ss").decode()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def access(tmp_path, **cluster: str) -> Access:
    path = tmp_path / "kubeconfig"
    context = {"cluster": "c", "user": "u"}
    said = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **cluster}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
        "contexts": [{"name": "c", "context": context}],
    }
    path.write_text(yaml.safe_dump(said))
    return Access(path)


@asynccontextmanager
async def proxy(heard: list[str]) -> AsyncIterator[int]:
    """Lets nobody through, and says by what head it was asked; its port."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("where", ["environment", "kubeconfig"])
async def test_a_request_goes_through_the_proxy_as_its_user(where, tmp_path, monkeypatch):
    heard: list[str] = []
    async with proxy(heard) as port:
        url = f"http://ada:p%40ss@127.0.0.1:{port}"
        if where == "environment":
            monkeypatch.setenv("HTTPS_PROXY", url)
        api = Api(access(tmp_path, **({"proxy-url": url} if where == "kubeconfig" else {})))
        with anyio.fail_after(20), pytest.raises(Transient, match="403") as caught:
            await api.call("GET", "/api/v1/pods")
        await api.close()
    assert [head.split("\r\n")[0] for head in heard] == ["CONNECT api.example.org:6443 HTTP/1.1"]
    assert f"Proxy-Authorization: Basic {ADA}" in heard[0]
    assert "p@ss" not in str(caught.value), "nobody is told the password"


@pytest.mark.parametrize(
    ("environment", "cluster", "wanted"),
    [
        ({}, {}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, {}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "proxy:3128"}, {}, "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, {}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "localhost,.example.org"}, {}, None),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "*"}, {"proxy-url": "http://own:1"}, "http://own:1"),
    ],
)
async def test_which_proxy(environment, cluster, wanted, tmp_path, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    configuration = await configured(access(tmp_path, **cluster))
    assert configuration.proxy == wanted
    assert configuration.proxy_headers is None
