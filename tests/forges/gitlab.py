"""How GitLab spells its API, as far as it is used: statuses, merge requests, notes.

https://docs.gitlab.com/api/commits/, …/merge_requests/, …/notes/; transitions as its own state machine refuses them
(`Ci::CreateCommitStatusService`). Refuses what GitLab refuses, and what its published description does not have.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote, unquote

from tests.forges.described import Description
from tests.forges.state import Asked, Reply, Shown, State
from tests.forges.tags import tagged

__all__ = ["GitLabSpelling"]

_STATES = {"pending": "enqueue", "running": "run", "success": "success", "failed": "drop", "canceled": "cancel"}
_LEVELS = {"read": 20, "write": 30, "maintain": 40, "admin": 50}
_ALIVE = {"pending", "running"}
DESCRIPTION = Description("gitlab")


class GitLabSpelling:
    """See `tests.forges.forge.Spelling`.

    Attributes:
        pipelines: of each commit, the newest last; a status makes one where there is none.
        places: the pipeline of each status that was set.
        forks: commits that no branch of the project has.
        me: number of the account that the token is of.
    """

    base = "/api"
    origin = "https://forge.example.org"

    def __init__(self, repository: str = "team/deep/models", me: int = 7) -> None:
        self.project = f"/projects/{quote(repository, safe='')}"
        self.me = me
        self.pipelines: dict[str, list[int]] = {}
        self.places: dict[tuple[str, str], list[int]] = {}
        self.forks: set[str] = set()
        self.refs: Counter[str] = Counter()

    def token(self, asked: Asked) -> str:
        """The token, which has a header of its own."""
        return asked.headers.get("private-token", "")

    def answer(self, state: State, asked: Asked) -> Reply:
        """Do what is asked."""
        DESCRIPTION.check(asked)
        if (asked.method, asked.path) == ("GET", "/user"):
            return Reply(200, {"id": self.me, "username": "project_7_bot"})
        if found := re.fullmatch(r"/groups/([^/]+)/members/all/(\d+)", asked.path):
            member = unquote(found[1]) in state.person(found[2]).teams
            return (
                Reply(200, {"id": int(found[2]), "state": "active", "access_level": 30}) if member else Reply(404, {})
            )
        if not asked.path.startswith(f"{self.project}/"):
            return Reply(404, {"message": "404 Project Not Found"})
        path = asked.path.removeprefix(self.project)
        for method, pattern, act in self._routes():
            found = re.fullmatch(pattern, path)
            if found and method == asked.method:
                return tagged(act(state, asked, found), asked)
        return Reply(404, {"error": "404 Not Found"})

    def _routes(self) -> Any:
        return (
            ("POST", r"/statuses/(?P<sha>[0-9a-f]{40})", self._say),
            ("GET", r"/repository/commits/(?P<sha>[0-9a-f]{40})/statuses", self._shown),
            ("GET", r"/merge_requests", self._merge_requests),
            ("GET", r"/merge_requests/(?P<iid>\d+)", self._merge_request),
            ("GET", r"/merge_requests/(?P<iid>\d+)/notes", self._notes),
            ("POST", r"/merge_requests/(?P<iid>\d+)/notes", self._note),
            ("PUT", r"/merge_requests/(?P<iid>\d+)/notes/(?P<ident>\d+)", self._edit),
            ("POST", r"/merge_requests/(?P<iid>\d+)/notes/(?P<ident>\d+)/award_emoji", self._award),
            ("GET", r"/merge_trains/(?P<base>[^/]+)", self._train),
            ("GET", r"/members/all/(?P<account>\d+)", self._member),
            ("GET", r"/repository/commits/(?P<sha>[0-9a-f]{40})/merge_requests", self._caused),
        )

    def _say(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        said, sha = asked.body, found["sha"]
        name, wanted = str(said.get("name", "default")), said["state"]
        if state.commits is not None and sha not in state.commits:
            return Reply(404, {"message": "404 Commit Not Found"})
        if wanted not in _STATES:
            return Reply(400, {"error": "state does not have a valid value"})
        wrong = {
            field: ["is too long (maximum is 255 characters)"]
            for field in ("name", "description", "target_url")
            if len(said.get(field, "")) > 255
        }
        if wrong:
            return Reply(400, {"message": wrong})
        pipeline = self._pipeline(sha, said)
        if isinstance(pipeline, Reply):
            return pipeline
        shown = state.statuses.get((sha, name), [])
        places = self.places.setdefault((sha, name), [])
        before = shown[-1].state if shown and places[-1] == pipeline else ""
        # One that ended stays as it was, and the next one is another job.
        if before in _ALIVE and wanted in {before, "pending"}:
            moved = f"Cannot transition status via :{_STATES[wanted]} from :{before}"
            return Reply(400, {"message": f'{moved} (Reason(s): Status cannot transition via "{_STATES[wanted]}")'})
        places.append(pipeline)
        state.say(sha, name, Shown(wanted, said.get("description") or "", said.get("target_url") or ""))
        return Reply(201, {"id": sum(state.writes.values()), "sha": sha, "name": name, "pipeline_id": pipeline})

    def _pipeline(self, sha: str, said: dict[str, Any]) -> int | Reply:
        """The pipeline of a status: the one that is named, else the newest, else a new one on a ref that has it."""
        there = self.pipelines.setdefault(sha, [])
        named = said.get("pipeline_id")
        if named is not None:
            gone = Reply(404, {"message": "404 Pipeline for pipeline_id, sha and ref Not Found"})
            return named if named in there else gone
        if there:
            return there[-1]
        if sha in self.forks and not said.get("ref"):
            return Reply(404, {"message": "404 References for commit Not Found"})
        self.refs[said.get("ref") or "main"] += 1
        there.append(1000 + len(self.pipelines))
        return there[-1]

    def _shown(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        sha, name = found["sha"], asked.query.get("name")
        if state.commits is not None and sha not in state.commits:
            return Reply(404, {"message": "404 Commit Not Found"})
        all_of = [
            {"name": context, "status": shown.state, "description": shown.description, "sha": sha}
            for (of, context), shown in state.shown().items()
            if of == sha and name in {None, context}
        ]
        return self._page(state, asked, all_of)

    def _merge_requests(self, state: State, asked: Asked, _: re.Match[str]) -> Reply:
        wanted, base = asked.query.get("state", "all"), asked.query.get("target_branch")
        found = [
            pull
            for pull in state.pulls.values()
            if wanted in {"all", pull["state"]}
            and base in {None, pull["target_branch"]}
            and self._touched(state, pull) >= asked.query.get("updated_after", "")
        ]
        return self._page(state, asked, found)

    def _merge_request(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        pull = state.pulls.get(found["iid"])
        return Reply(200, pull) if pull is not None else Reply(404, {"message": "404 Not found"})

    def _train(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if state.trains is None:
            return Reply(403, {"message": "403 Forbidden"})
        over = {"active": False, "complete": True}.get(asked.query.get("scope", ""))
        all_of = [
            one
            for one in state.trains
            if one["target_branch"] == unquote(found["base"]) and over in {None, one["status"] == "merged"}
        ]
        return self._page(state, asked, all_of if asked.query.get("sort") == "asc" else all_of[::-1])

    def _notes(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if found["iid"] not in state.pulls:
            return Reply(404, {"message": "404 Not found"})
        there = state.comments.get(found["iid"], {})
        all_of = [self._seen(state, ident, one) for ident, one in there.items()]
        if asked.query.get("order_by") == "updated_at":
            all_of.sort(key=lambda note: note["updated_at"], reverse=asked.query.get("sort") == "desc")
        return self._page(state, asked, all_of)

    def _touched(self, state: State, pull: dict[str, Any]) -> str:
        """When a note was written last, which counts as a change of its merge request."""
        return max((one["changed"] for one in state.comments.get(str(pull["iid"]), {}).values()), default="")

    def _seen(self, state: State, ident: int, comment: dict[str, Any]) -> dict[str, Any]:
        times = {"created_at": comment["at"], "updated_at": comment["changed"]}
        person = state.person(comment["author"])
        login = "project_15_bot_0a1b" if person.is_program else person.login
        return {**self._view(ident, comment), "author": {"id": int(comment["author"]), "username": login}, **times}

    def _award(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        ident, name = int(found["ident"]), asked.body["name"]
        if ident not in state.comments.get(found["iid"], {}):
            return Reply(404, {"message": "404 Note Not Found"})
        if (ident, name) in state.reactions:
            return Reply(404, {"message": "404 Award Emoji Name has already been taken Not Found"})
        state.reactions.add((ident, name))
        return Reply(201, {"id": 1, "name": name})

    def _member(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        level = _LEVELS.get(state.person(found["account"]).level)
        if level is None:
            return Reply(404, {"message": "404 Not found"})
        return Reply(200, {"id": int(found["account"]), "state": "active", "access_level": level})

    def _caused(self, state: State, _: Asked, found: re.Match[str]) -> Reply:
        login = state.causes.get(found["sha"])
        return Reply(200, [{"iid": 1, "author": {"username": login}}] if login else [])

    def _note(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        if found["iid"] not in state.pulls:
            return Reply(404, {"message": "404 Not found"})
        if len(asked.body["body"]) > 1_000_000:
            return Reply(400, {"message": "Note is too long (maximum is 1000000 characters)"})
        ident = state.comment(found["iid"], asked.body["body"], str(self.me))
        return Reply(201, self._view(ident, state.comments[found["iid"]][ident]))

    def _edit(self, state: State, asked: Asked, found: re.Match[str]) -> Reply:
        ident = int(found["ident"])
        there = state.comments.get(found["iid"], {})
        if ident not in there:
            return Reply(404, {"message": "404 Not found"})
        if there[ident]["author"] != str(self.me):
            return Reply(403, {"message": "403 Forbidden"})
        state.edit(ident, asked.body["body"])
        return Reply(200, self._view(ident, there[ident]))

    def _view(self, ident: int, comment: dict[str, Any]) -> dict[str, Any]:
        return {"id": ident, "body": comment["body"], "author": {"id": int(comment["author"])}, "system": False}

    def _page(self, state: State, asked: Asked, all_of: list[Any]) -> Reply:
        size = min(int(asked.query.get("per_page", "20")), state.page)
        number = int(asked.query.get("page", "1"))
        page = all_of[(number - 1) * size : number * size]
        headers = {"x-page": str(number), "x-per-page": str(size)}
        if number * size < len(all_of):
            query = "&".join(f"{name}={value}" for name, value in {**asked.query, "page": str(number + 1)}.items())
            address = f"{self.origin}{self.base}{asked.path}"
            headers["link"] = f'<{address}?{query}>; rel="next", <{address}?page=1>; rel="first"'
        return Reply(200, page, headers)
