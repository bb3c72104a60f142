"""How Gitea and Forgejo spell their API, as far as it is used: statuses, pull requests, comments.

https://docs.gitea.com/api/ and Gitea's own handlers. Refuses what Gitea refuses, and what its Swagger document does not
have.
"""

from __future__ import annotations

import re
from typing import Any

from tests.forges.described import Description
from tests.forges.state import Asked, Reply, Shown, State, paged

__all__ = ["GiteaSpelling"]

_STATES = {"pending", "success", "error", "failure", "warning"}
DESCRIPTION = Description("gitea")


class GiteaSpelling:
    """See `tests.forges.forge.Spelling`.

    Attributes:
        me: number of the account that the token is of.
        page: items of a page at most, as its administrator set it.
    """

    base = "/api"
    origin = "https://forge.example.org"

    def __init__(self, repository: str = "team/models", me: int = 7, page: int = 50) -> None:
        self.repository = f"/repos/{repository}"
        self.me = me
        self.page = page

    def token(self, asked: Asked) -> str:
        """The token, with a word of its own before it."""
        return asked.headers.get("authorization", "").removeprefix("token ")

    def answer(self, state: State, asked: Asked) -> Reply:
        """Do what is asked."""
        DESCRIPTION.check(asked)
        if (asked.method, asked.path) == ("GET", "/user"):
            return Reply(200, {"id": self.me, "login": "plumbline"})
        if found := re.fullmatch(r"/orgs/([^/]+)/teams/search", asked.path):
            names = sorted(
                {team for one in state.people.values() for team in one.teams if team.startswith(f"{found[1]}/")}
            )
            teams = [{"id": 60 + number, "name": name.partition("/")[2]} for number, name in enumerate(names)]
            return Reply(200, {"ok": True, "data": [team for team in teams if asked.query["q"] in str(team["name"])]})
        if found := re.fullmatch(r"/teams/(\d+)/members/([^/]+)", asked.path):
            names = sorted({team for one in state.people.values() for team in one.teams})
            there = state.named(found[2])
            member = there is not None and names[int(found[1]) - 60] in there[1].teams
            return Reply(200, {"id": there[0], "login": found[2]}) if there is not None and member else _missing()
        if asked.path == self.repository:
            return Reply(200, {"id": 15, "full_name": "team/models"})
        if not asked.path.startswith(f"{self.repository}/"):
            return _missing()
        path = asked.path.removeprefix(self.repository)
        for method, pattern, act in self._routes():
            found = re.fullmatch(pattern, path)
            if found and method == asked.method:
                return act(state, asked, found)
        return _missing()

    def _routes(self) -> Any:
        return (
            ("POST", r"/statuses/(?P<sha>[0-9a-f]{40})", self._say),
            ("GET", r"/commits/(?P<sha>[0-9a-f]{40})/status", self._shown),
            ("GET", r"/git/commits/(?P<sha>[0-9a-f]{40})", self._commit),
            ("GET", r"/pulls", self._pulls),
            ("GET", r"/pulls/(?P<number>\d+)", self._pull),
            ("GET", r"/issues/(?P<number>\d+)/comments", self._comments),
            ("POST", r"/issues/(?P<number>\d+)/comments", self._comment),
            ("PATCH", r"/issues/comments/(?P<ident>\d+)", self._edit),
            ("GET", r"/issues/comments", self._remarks),
            ("POST", r"/issues/comments/(?P<ident>\d+)/reactions", self._react),
            ("GET", r"/collaborators/(?P<login>[^/]+)/permission", self._permission),
            ("GET", r"/commits/(?P<sha>[0-9a-f]{40})/pull", self._caused),
        )

    def _say(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        said, sha = asked.body, found["sha"]
        if state.commits is not None and sha not in state.commits:
            # What went wrong is told to administrators only.
            return Reply(500, {"message": "", "url": "/api/swagger"})
        if said["state"] not in _STATES:
            return Reply(422, {"message": "[]: state is invalid", "url": "/api/swagger"})
        context = said.get("context") or "default"
        state.say(sha, context, Shown(said["state"], said.get("description") or "", said.get("target_url") or ""))
        return Reply(201, {"id": sum(state.writes.values()), "status": said["state"], "context": context})

    def _shown(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if state.commits is not None and found["sha"] not in state.commits:
            return _missing()
        all_of = [
            {"context": context, "status": shown.state, "description": shown.description}
            for (sha, context), shown in state.shown().items()
            if sha == found["sha"]
        ]
        page = self._page(asked, all_of)
        if not page:
            return Reply(200, {"state": "", "sha": "", "total_count": 0, "statuses": None})
        return Reply(200, {"state": "pending", "sha": found["sha"], "total_count": len(page), "statuses": page})

    def _commit(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        if state.commits is not None and found["sha"] not in state.commits:
            return _missing()
        return Reply(200, {"sha": found["sha"]})

    def _pulls(self, state: State, asked: Asked, _: re.Match[str]) -> Reply:
        wanted = asked.query.get("state", "open")
        return self._listed(asked, [pull for pull in state.pulls.values() if wanted in {"all", pull["state"]}])

    def _pull(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        pull = state.pulls.get(found["number"])
        return Reply(200, pull) if pull is not None else _missing()

    def _comments(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        if found["number"] not in state.pulls:
            return _missing()
        return Reply(200, [self._view(ident, one) for ident, one in state.comments.get(found["number"], {}).items()])

    def _comment(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if found["number"] not in state.pulls:
            return _missing()
        if len(asked.body["body"].encode()) > 65_535:
            return Reply(500, {"message": "", "url": "/api/swagger"})
        ident = state.comment(found["number"], asked.body["body"], str(self.me))
        return Reply(201, self._view(ident, state.comments[found["number"]][ident]))

    def _edit(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        ident = int(found["ident"])
        there = next((one[ident] for one in state.comments.values() if ident in one), None)
        if there is None:
            return _missing()
        if there["author"] != str(self.me):
            return Reply(403)
        state.edit(ident, asked.body["body"])
        return Reply(200, self._view(ident, there))

    def _view(self, ident: int, comment: dict[str, Any]) -> dict[str, Any]:
        return {"id": ident, "body": comment["body"], "user": {"id": int(comment["author"]), "login": "somebody"}}

    def _remarks(self, state: State, asked: Asked, _: re.Match[str]) -> Reply:
        all_of = []
        for pull, ident, one in state.since(asked.query["since"]):
            person = state.person(one["author"])
            user = {"id": -2 if person.is_program else int(one["author"]), "login": person.login}
            url = f"https://gitea.example.org{self.repository.removeprefix('/repos')}/pulls/{pull}"
            times = {"created_at": one["at"], "updated_at": one["changed"]}
            all_of.append({**self._view(ident, one), "user": user, "pull_request_url": url, "issue_url": "", **times})
        return Reply(200, paged(all_of, asked, "limit", self.page))

    def _react(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        ident = int(found["ident"])
        if not any(ident in comments for comments in state.comments.values()):
            return _missing()
        again = (ident, asked.body["content"]) in state.reactions
        state.reactions.add((ident, asked.body["content"]))
        return Reply(200 if again else 201, {"content": asked.body["content"]})

    def _permission(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        there = state.named(found["login"])
        if there is None:
            return _missing()
        level = {"maintain": "write"}.get(there[1].level, there[1].level)
        return Reply(200, {"permission": level, "role_name": "", "user": {"id": there[0], "login": there[1].login}})

    def _caused(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        login = state.causes.get(found["sha"])
        return Reply(200, {"number": 1, "user": {"login": login}}) if login else _missing()

    def _page(self, asked: Asked, all_of: list[Any]) -> list[Any]:
        size = min(int(asked.query.get("limit", "30")), self.page)
        number = int(asked.query.get("page", "1"))
        return all_of[(number - 1) * size : number * size]

    def _listed(self, asked: Asked, all_of: list[Any]) -> Reply:
        page, number = self._page(asked, all_of), int(asked.query.get("page", "1"))
        headers = {"x-total-count": str(len(all_of))}
        if number * min(int(asked.query.get("limit", "30")), self.page) < len(all_of):
            query = "&".join(f"{name}={value}" for name, value in {**asked.query, "page": str(number + 1)}.items())
            headers["link"] = f'<{self.origin}{self.base}{asked.path}?{query}>; rel="next"'
        return Reply(200, page, headers)


def _missing() -> Reply:
    return Reply(404, {"message": "The target couldn't be found.", "url": "/api/swagger", "errors": []})
