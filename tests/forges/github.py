"""How GitHub spells its API, as far as it is used: statuses, pull requests, comments, installations of an App.

https://docs.github.com/en/rest, API version 2022-11-28. Refuses what GitHub refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.forges.checks import CheckRuns
from tests.forges.state import Asked, Reply, Shown, State
from tests.forges.tags import tagged

__all__ = ["GitHubSpelling"]

_REPO = r"/repos/(?P<repo>[^/]+/[^/]+)"
_STATES = {"error", "failure", "pending", "success"}
_INVALID = "Validation Failed"


class GitHubSpelling:
    """See `tests.forges.forge.Spelling`."""

    base = "/api"

    def __init__(self, repository: str = "team/models", origin: str = "https://forge.example.org") -> None:
        self.repository = repository
        self.origin = origin
        self.account = 7
        self.app = 12
        self.checks = CheckRuns()
        self.apps: Callable[[State, Asked, int], Reply] | None = None

    def token(self, asked: Asked) -> str:
        """The bearer."""
        return asked.headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, state: State, asked: Asked) -> Reply:
        """Do what is asked."""
        if not asked.headers.get("user-agent"):
            return Reply(403, {"message": "Request forbidden by administrative rules."})
        if found := re.fullmatch(r"/app/installations/(\d+)/access_tokens", asked.path):
            return self.apps(state, asked, int(found[1])) if self.apps else Reply(404, {"message": "Not Found"})
        if asked.path == "/user":
            return Reply(200, {"id": self.account, "login": "plumbline-bot"})
        if found := re.fullmatch(r"/orgs/([^/]+)/teams/([^/]+)/memberships/([^/]+)", asked.path):
            there = state.named(found[3])
            member = there is not None and f"{found[1]}/{found[2]}" in there[1].teams
            return Reply(200, {"state": "active", "role": "member"}) if member else Reply(404, {"message": "Not Found"})
        if found := re.fullmatch(r"/orgs/([^/]+)/teams/([^/]+)", asked.path):
            known = any(f"{found[1]}/{found[2]}" in person.teams for person in state.people.values())
            return Reply(200, {"slug": found[2]}) if known else Reply(404, {"message": "Not Found"})
        for method, pattern, act in self._routes():
            found = re.fullmatch(_REPO + pattern, asked.path)
            if found and method == asked.method and found["repo"] == self.repository:
                return tagged(act(state, asked, found), asked)
        return Reply(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})

    def _routes(self) -> Any:
        return (
            ("POST", r"/statuses/(?P<sha>[0-9a-f]{40})", self._say),
            ("GET", r"/commits/(?P<sha>[0-9a-f]{40})/status", self._shown),
            ("GET", r"", lambda *_: Reply(200, {"full_name": self.repository})),
            ("GET", r"/pulls", self._pulls),
            ("GET", r"/pulls/(?P<number>\d+)", self._pull),
            ("GET", r"/issues/(?P<number>\d+)/comments", self._comments),
            ("POST", r"/issues/(?P<number>\d+)/comments", self._comment),
            ("PATCH", r"/issues/comments/(?P<ident>\d+)", self._edit),
            ("GET", r"/issues/comments/(?P<ident>\d+)", self._one),
            ("GET", r"/issues/comments", self._remarks),
            ("POST", r"/issues/comments/(?P<ident>\d+)/reactions", self._react),
            ("GET", r"/collaborators/(?P<login>[^/]+)/permission", self._permission),
            ("GET", r"/commits/(?P<sha>[0-9a-f]{40})/pulls", self._caused),
            ("GET", r"/commits/(?P<sha>[0-9a-f]{40})", self._commit),
            ("GET", r"/git/matching-refs/(?P<ref>[^/]+)", self._matching),
            ("POST", r"/check-runs", self.checks.make),
            ("PATCH", r"/check-runs/(?P<ident>\d+)", self.checks.change),
            ("GET", r"/installation", lambda *_: Reply(200, {"id": 99}) if self.apps else Reply(404, {})),
        )

    def _say(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        said, sha = asked.body, found["sha"]
        if state.commits is not None and sha not in state.commits:
            return Reply(422, {"message": f"No commit found for SHA: {sha}"})
        context = str(said.get("context", "default"))
        shown = Shown(said["state"], said.get("description") or "", said.get("target_url") or "")
        wrong = [
            field
            for field, good in (
                ("state", shown.state in _STATES),
                ("description", len(shown.description.encode("utf-16-le")) // 2 <= 140),
                ("context", len(context) <= 255),
                ("target_url", not shown.url or shown.url.startswith(("http://", "https://"))),
            )
            if not good
        ]
        if wrong:
            errors = [{"resource": "Status", "code": "custom", "field": field} for field in wrong]
            return Reply(422, {"message": _INVALID, "errors": errors})
        if len(state.statuses.get((sha, context), ())) >= state.most:
            return Reply(422, {"message": "This SHA and context has reached the maximum number of statuses."})
        state.say(sha, context, shown)
        return Reply(201, {"state": shown.state, "context": context, "description": shown.description})

    def _shown(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if state.commits is not None and found["sha"] not in state.commits:
            return Reply(422, {"message": f"No commit found for SHA: {found['sha']}"})
        all_of = [
            {"context": context, "state": shown.state, "description": shown.description}
            for (sha, context), shown in state.shown().items()
            if sha == found["sha"]
        ]
        page, headers = self._page(state, asked, all_of)
        return Reply(200, {"statuses": page, "total_count": len(all_of), "sha": found["sha"]}, headers)

    def _pulls(self, state: State, asked: Asked, _: re.Match[str]) -> Reply:
        wanted, base = asked.query.get("state", "open"), asked.query.get("base")
        found = [
            pull
            for pull in state.pulls.values()
            if (wanted == "all" or pull["state"] == wanted) and (base is None or pull["base"]["ref"] == base)
        ]
        page, headers = self._page(state, asked, found)
        return Reply(200, page, headers)

    def _pull(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        pull = state.pulls.get(found["number"])
        return Reply(200, pull) if pull is not None else Reply(404, {"message": "Not Found"})

    def _matching(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        """Every ref that begins so; GitHub lists them by name."""
        begin = f"refs/{unquote(found['ref'])}"
        refs = sorted((ref, commit) for ref, commit in state.refs().items() if ref.startswith(begin))
        all_of = [{"ref": ref, "object": {"type": "commit", "sha": commit}} for ref, commit in refs]
        page, headers = self._page(state, asked, all_of)
        return Reply(200, page, headers)

    def _comments(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        all_of = [self._view(ident, one) for ident, one in state.comments.get(found["number"], {}).items()]
        page, headers = self._page(state, asked, all_of)
        return Reply(200, page, headers)

    def _comment(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if found["number"] not in state.pulls:
            return Reply(404, {"message": "Not Found"})
        if wrong := _body(asked):
            return wrong
        ident = state.comment(found["number"], asked.body["body"], self.account)
        return Reply(201, self._view(ident, state.comments[found["number"]][ident]))

    def _edit(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if wrong := _body(asked):
            return wrong
        if not state.edit(int(found["ident"]), asked.body["body"]):
            return Reply(404, {"message": "Not Found"})
        return Reply(200, {"id": int(found["ident"])})

    def _one(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        for comments in state.comments.values():
            if (ident := int(found["ident"])) in comments:
                return Reply(200, self._view(ident, comments[ident]))
        return Reply(404, {"message": "Not Found"})

    def _view(self, ident: int, comment: dict[str, Any]) -> dict[str, Any]:
        by_app = {"id": self.app} if comment["author"] == self.account else None
        times = {"created_at": comment["at"], "updated_at": comment["changed"]}
        user = {"id": comment["author"], "login": "somebody"}
        return {"id": ident, "body": comment["body"], "user": user, "performed_via_github_app": by_app, **times}

    def _remarks(self, state: State, asked: Asked, _: re.Match[str]) -> Reply:
        all_of = []
        for pull, ident, one in sorted(state.since(asked.query.get("since", "")), key=lambda item: item[2]["changed"]):
            person = state.person(one["author"])
            kind = "Bot" if person.is_program else "User"
            user = {"id": one["author"], "login": person.login, "type": kind}
            url = f"https://api.github.com/repos/{self.repository}/issues/{pull}"
            all_of.append({**self._view(ident, one), "user": user, "issue_url": url})
        page, headers = self._page(state, asked, all_of)
        return Reply(200, page, headers)

    def _react(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        ident = int(found["ident"])
        if not any(ident in comments for comments in state.comments.values()):
            return Reply(404, {"message": "Not Found"})
        again = (ident, asked.body["content"]) in state.reactions
        state.reactions.add((ident, asked.body["content"]))
        return Reply(200 if again else 201, {"id": 1, "content": asked.body["content"]})

    def _permission(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        there = state.named(found["login"])
        if there is None:
            return Reply(404, {"message": f"{found['login']} is not a user"})
        role = there[1].level
        spelled = {"maintain": "write", "triage": "read"}.get(role, role)
        user = {"id": there[0], "login": there[1].login}
        return Reply(200, {"permission": spelled, "role_name": role, "user": user})

    def _caused(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        login = state.causes.get(found["sha"])
        return Reply(200, [{"number": 1, "user": {"login": login}}] if login else [])

    def _commit(self, _: State, __: Asked, found: re.Match[str]) -> Reply:
        return Reply(200, {"sha": found["sha"], "author": None, "committer": {"login": "web-flow"}})

    def _page(self, state: State, asked: Asked, all_of: list[Any]) -> tuple[list[Any], dict[str, str]]:
        size = min(int(asked.query.get("per_page", "30")), state.page)
        number = int(asked.query.get("page", "1"))
        page = all_of[(number - 1) * size : number * size]
        if number * size >= len(all_of):
            return page, {}
        query = "&".join(f"{name}={value}" for name, value in {**asked.query, "page": str(number + 1)}.items())
        address = f"{self.origin}{self.base}{asked.path}"
        return page, {"link": f'<{address}?{query}>; rel="next", <{address}?page=99>; rel="last"'}


def _body(asked: Asked) -> Reply | None:
    if len(asked.body["body"]) > 65_536:
        return Reply(
            422, {"message": _INVALID, "errors": [{"message": "body is too long (maximum is 65536 characters)"}]}
        )
    return None
