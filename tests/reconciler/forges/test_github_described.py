"""Every request of GitHub's adapter is held against GitHub's own description of its API; its answers are understood."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from planner.errors import Severity
from planner.model.checks import Annotation, Check, Conclusion
from planner.model.commits import StatusState
from planner.model.pulls import Comment, PullState
from reconciler.errors import Refused
from reconciler.forges.github.app import AppCredential, Installed, Signer
from reconciler.forges.github.checks import GitHubChecks
from reconciler.forges.github.manner import manner
from reconciler.forges.github.pulls import GitHubPulls, by_app, by_token
from reconciler.forges.github.queue import GitHubQueue
from reconciler.forges.github.remarks import GitHubRemarks
from reconciler.forges.github.statuses import GitHubShape
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.forges.http.credentials import Credential
from reconciler.forges.http.server import Server
from reconciler.forges.http.statuses import HttpStatuses
from reconciler.ports_remarks import Level
from tests.forges.openapi import Described, described
from tests.forges.parts import NO_PACE, REPOSITORY, Given, LoopClock, sha, status

pytestmark = [pytest.mark.process, pytest.mark.anyio]

USED = {
    "apps/create-installation-access-token",
    "apps/get-repo-installation",
    "checks/create",
    "checks/update",
    "git/list-matching-refs",
    "issues/create-comment",
    "issues/list-comments",
    "issues/list-comments-for-repo",
    "issues/update-comment",
    "pulls/get",
    "pulls/list",
    "reactions/create-for-issue-comment",
    "repos/create-commit-status",
    "repos/get-collaborator-permission-level",
    "repos/get-combined-status-for-ref",
    "repos/get-commit",
    "repos/list-pull-requests-associated-with-commit",
    "teams/get-membership-for-user-in-org",
    "users/get-authenticated",
}
"""What the adapter uses of GitHub."""


@pytest.fixture(scope="module")
def server() -> Iterator[Described]:
    with described() as made:
        yield made


@contextlib.asynccontextmanager
async def client_of(server: Described, credential: Credential | None = None) -> AsyncIterator[Client]:
    """A client that asks for one page of a list: the example of a second one is on api.github.com."""

    async def last_page(answer: httpx.Response) -> None:
        answer.headers.pop("link", None)

    http = httpx.AsyncClient(trust_env=False, event_hooks={"response": [last_page]})
    token = credential or Given(lambda: "canary-token")
    client = Client(Server(server.address, seconds=60.0), manner(NO_PACE), token, LoopClock(), http)
    try:
        yield client
    finally:
        await client.close()


async def everything(client: Client) -> None:
    """Ask all that the adapter can ask."""
    told = HttpStatuses(
        client, GitHubShape(REPOSITORY, lambda commit, root: f"https://p.example.org/{commit}{root}"), None
    )
    for state in StatusState:
        for words in ("words", "", "ü" * 300):
            assert (await told.put([status(1, state, words, "train")])).taken
    assert await told.spoke_of([sha(1)], "continuous-integration/jenkins")
    assert not await told.spoke_of([sha(1)], "plumbline/test")
    pulls = GitHubPulls(client, REPOSITORY, by_token(client))
    found = {pull.number: pull for pull in await pulls.pulls("main", ["1348"])}
    assert found["1347"].state is PullState.OPEN
    assert re.fullmatch("[0-9a-f]{40}", found["1347"].head)
    ident = await pulls.put_comment(Comment("1347", "plan"))
    assert await pulls.put_comment(Comment("1347", "outcome", ident)) == ident
    assert await pulls.find_comment("1347", "Me too") == ident
    assert await GitHubPulls(client, REPOSITORY, by_app(7)).find_comment("1347", "Me too") == ""
    assert await GitHubQueue(client, REPOSITORY).entries("release/1.0") == []
    heard = GitHubRemarks(client, REPOSITORY)
    (remark,) = await heard.remarks(datetime(2011, 1, 1, tzinfo=UTC), ["1347"])
    assert (remark.body, remark.login, remark.at) == ("Me too", "octocat", datetime(2011, 4, 14, 16, 0, 49, tzinfo=UTC))
    assert await heard.level(replace(remark, account="1")) is Level.ADMIN
    assert await heard.belongs(remark, "github/justice-league")
    assert "octocat" in await heard.caused(sha(1))
    await heard.react("1347", remark.ident, good=True)


async def checks(client: Client) -> None:
    """Put every kind of check, and one that needs a second request."""
    port = GitHubChecks(client, REPOSITORY, lambda commit, _: f"https://p.example.org/{commit}")
    marks = tuple(Annotation("a.yaml", line, level, "PL-101", "words") for line in range(1, 31) for level in Severity)
    for conclusion in Conclusion:
        assert await port.put_check(Check(sha(1), "plumbline-plan/test in detail", conclusion, "words", "more")) == ""
    many = Check(sha(1), "plumbline-plan/test in detail", Conclusion.FAILURE, "words", "x" * 65_535, marks)
    assert await port.put_check(many) == ""


async def as_an_app(server: Described) -> None:
    """Ask for a token as an App, and for one that may do less."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    installed = Installed(12, REPOSITORY, None, lambda: pem)
    for one in (installed, replace(installed, permissions={"contents": "read"})):
        async with client_of(server, Signer(one, LoopClock())) as client:
            app = AppCredential(client, one, LoopClock())
            assert (await app.secret()).startswith("ghs_")
            assert app.permissions["contents"] == "read"


async def test_every_request_is_as_github_describes_it(server, record_property):
    async with client_of(server) as client:
        await everything(client)
        await checks(client)
    await as_an_app(server)
    used = server.used()
    record_property("forges", f"GitHub's own description, {len(used)} operations: {', '.join(sorted(used))}")
    assert {name: wrong for name, wrong in used.items() if wrong} == {}
    assert used.keys() == USED


@pytest.mark.parametrize(
    "wrong",
    [
        Request("POST", f"/repos/{REPOSITORY}/statuses/{sha(1)}", body={"state": "superseded"}),
        Request("POST", f"/repos/{REPOSITORY}/statuses/{sha(1)}", body={"context": "a"}),
        Request("POST", f"/repos/{REPOSITORY}/status/{sha(1)}", body={"state": "pending"}),
        Request("POST", f"/repos/{REPOSITORY}/issues/7/comments", body={"text": "a"}),
        Request("PATCH", f"/repos/{REPOSITORY}/issues/7/comments", body={"body": "a"}),
        Request(
            "POST", f"/repos/{REPOSITORY}/check-runs", body={"name": "a", "head_sha": sha(1), "conclusion": "held"}
        ),
    ],
    ids=["a state that is none", "no state", "another path", "no body", "another method", "no conclusion"],
)
async def test_what_is_not_as_described_is_refused(server, wrong):
    """A description that takes everything would prove nothing."""
    async with client_of(server) as client:
        with pytest.raises(Refused, match=r"answers 4\d\d"):
            await client.write(wrong)
