"""Notes on remotes that are not on this machine: through the mirror and a push, over git's own HTTP protocol."""

from __future__ import annotations

import http.server
import threading

import pytest

from reconciler.errors import Refused
from reconciler.source.notes import Notes
from tests.git_http import Smart
from tests.reconciler.source.remotes import EPOCH
from tests.reconciler.source.test_notes import REF, add, shown

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def url(remote):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Smart)
    server.environment = remote.environment | {"GIT_PROJECT_ROOT": str(remote.path.parent), "GIT_HTTP_EXPORT_ALL": "1"}
    remote.git("config", "http.receivepack", "true")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{remote.path.name}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_fetch_and_notes_over_http(remote, follow, url):
    tip = remote.commit({"a": b"1"})
    source = follow(url, None)
    assert (await source.fetch()).id == tip
    notes = Notes(source)
    assert (await notes.read([tip])).notes == {}
    await notes.write({tip: add("one")}, EPOCH)
    assert shown(remote, tip) == "one"
    assert (await Notes(source).read([tip])).notes == {tip: "one\n"}

    remote.git("update-ref", "-d", REF)
    await notes.write({tip: add("two")}, EPOCH)
    assert shown(remote, tip) == "two"


async def test_a_quicker_writer_loses_nothing_over_http(remote, follow, url):
    tip = remote.commit({"a": b"1"})
    source = follow(url)
    await source.fetch()
    turns = []

    def merge(present):
        turns.append(present)
        if len(turns) == 1:
            remote.git("notes", f"--ref={REF}", "append", "-m", "theirs", tip)
        return add("ours")(present)

    await Notes(source).write({tip: merge}, EPOCH)
    assert {"ours", "theirs"} <= set(shown(remote, tip).splitlines())
    assert len(turns) == 2


async def test_a_remote_whose_rules_forbid_it_refuses(remote, follow, url):
    tip = remote.commit({"a": b"1"})
    hook = remote.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    source = follow(url)
    await source.fetch()
    with pytest.raises(Refused, match="does not take refs/notes/plumbline/test"):
        await Notes(source).write({tip: add("x")}, EPOCH)
