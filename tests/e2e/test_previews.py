"""Branches beside the watched one are previewed as pull requests: a status and a note on their head."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.harness import Place, git, job, until
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.listening import listening

pytestmark = pytest.mark.process

CONTEXT = "plumbline-plan/default"
NOTES = "refs/notes/plumbline-preview/default"


@pytest.fixture
def previewing(place: Place) -> Place:
    place.configure(previews={"branches": ["feature/*"], "poll": 1})
    return place


def push_branch(place: Place, name: str, files: dict[str, str | None], base: str = "main") -> str:
    """Commit `files` on a new branch off `base`, and push that alone; the clone stays on main."""
    git(place.work, "checkout", "-q", "-B", name, base)
    head = place.commit(files)
    git(place.work, "push", "-q", "--force", str(place.bare), f"{head}:refs/heads/{name}")
    git(place.work, "checkout", "-q", "main")
    return head


def status(place: Place, head: str) -> tuple[str, str] | None:
    """What the status of a preview says, as git shows it to everybody."""
    text = git(place.bare, "notes", "--ref=refs/notes/plumbline/default", "show", head, check=False)
    said = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return next(((one["state"], one["description"]) for one in said if one["context"] == CONTEXT), None)


def comment(place: Place, head: str) -> str:
    return git(place.bare, "notes", f"--ref={NOTES}", "show", head, check=False)


def told(place: Place, head: str, words: str) -> str:
    """The comment on `head`, once it has `words`."""
    until(lambda: words in comment(place, head), f"the comment of {head[:10]} says {words!r}")
    return comment(place, head)


def said(place: Place, head: str, state: str) -> str:
    """The description of the status on `head`, once its state is so."""
    until(lambda: (status(place, head) or ("",))[0] == state, f"the status of {head[:10]} is {state}")
    found = status(place, head)
    assert found is not None
    return found[1]


def test_a_branch_is_previewed_marked_planned_anew_and_told_its_outcome(previewing: Place) -> None:
    place = previewing
    first = place.push({"one.yaml": job("one", "true"), "two.yaml": job("two", "true")})
    place.start()
    place.settled(first)
    head = push_branch(place, "feature/more", {"three.yaml": job("three", "true"), "one.yaml": job("one", "echo more")})
    assert said(place, head, "success") == "1 starts, 1 changes, nothing removed"
    shown = told(place, head, "### Plumbline plan for")
    assert "1 start · 1 update · 1 unchanged" in shown
    assert f"against <code>{first[:10]}" in shown
    assert place.operation("three") is None, "nothing of it was applied"
    # The branch moves elsewhere: the plan stands, and the comment says so.
    second = place.push({"two.yaml": job("two", "echo other")})
    place.settled(second)
    assert "nothing that this plan is about changed" in told(place, head, f"moved on, to <code>{second[:10]}")
    # It moves where the plan counts: it is made anew.
    third = place.push({"one.yaml": job("one", "echo base")})
    place.settled(third)
    assert "conflict" in said(place, head, "failure")
    assert "one.yaml" in said(place, head, "failure")
    # Another head of it, on top of that: the comment moves along.
    newer = push_branch(place, "feature/more", {"three.yaml": job("three", "true")})
    assert said(place, newer, "success") == "1 starts, nothing removed"
    told(place, newer, f"against <code>{third[:10]}")
    until(lambda: not comment(place, head), "the comment of before is gone")
    # Merged: the same comment is what came of it.
    git(place.work, "merge", "-q", "--no-ff", "-m", "merge", newer)
    merge = git(place.work, "rev-parse", "HEAD").strip()
    place.release(merge)
    place.settled(merge)
    outcome = told(place, newer, "merged, 1 done")
    assert "<code>three&#64;g1</code>" in outcome
    assert f"is in <code>{merge[:10]}" in outcome
    assert place.log.read_text().count("crashed") == 0


def test_nothing_to_say_is_a_success_and_no_comment(previewing: Place) -> None:
    place = previewing
    place.settled_start({"one.yaml": job("one", "true")})
    head = push_branch(place, "feature/words", {"README.md": "words\n"})
    assert said(place, head, "success") == "no operation changes"
    assert comment(place, head) == ""
    other = push_branch(place, "other", {"two.yaml": job("two", "true")})
    wanted = push_branch(place, "feature/broken", {"two.yaml": "kind: operation\nnmae: two\n"})
    assert "two.yaml:" in said(place, wanted, "failure")
    assert "[!WARNING]" in told(place, wanted, "problem")
    assert status(place, other) is None, "no pattern names it"


def test_a_killed_daemon_edits_its_comment_and_a_deleted_branch_is_let_go(previewing: Place, tmp_path: Path) -> None:
    place = previewing
    daemon = place.settled_start({"one.yaml": job("one", "true")})
    del daemon
    head = push_branch(place, "feature/a", {"two.yaml": job("two", "true")})
    told(place, head, "1 start")
    place.daemons[-1].kill()
    newer = push_branch(place, "feature/a", {"two.yaml": job("two", "echo b")})
    place.start()
    told(place, newer, "1 start")
    until(lambda: not comment(place, head), "one comment a branch")
    git(place.bare, "update-ref", "-d", "refs/heads/feature/a")
    mirror = place.state / "mirror" / "mirror.git"
    until(lambda: not git(mirror, "for-each-ref", "refs/plumbline/default/pulls"), "its head is let go")
    place.settled(place.push({"three.yaml": job("three", "true")}))
    assert place.operation("two") is None


def measured(size: int, script: str = "true") -> str:
    """An operation with a job that says its size."""
    made = json.loads(job("measure", f'echo "size={size}" >> "$PLUMBLINE_OUTPUT"; {script}'))
    made["component"]["outputs"] = [{"name": "size", "type": "int"}]
    return json.dumps(made)


def test_the_outcome_has_what_runs_gave_and_what_was_before(previewing: Place) -> None:
    place = previewing
    place.settled_start({"measure.yaml": measured(3), "bad.yaml": job("bad", "true")})
    files: dict[str, str | None] = {"measure.yaml": measured(5), "bad.yaml": job("bad", "exit 4")}
    head = push_branch(place, "feature/five", files)
    told(place, head, "2 update")
    git(place.bare, "update-ref", "refs/heads/main", head)
    place.settled(head)
    outcome = told(place, head, "merged, 1 failed · 1 done")
    assert "<code>size</code> <code>5</code>, was <code>3</code>" in outcome
    assert outcome.index("exit code") < outcome.index("measure")
    assert status(place, head) == ("success", "2 change, nothing removed")
    assert place.commit_view(head)["state"] == "failure", (
        "the commit says how it went, and the preview what was planned"
    )


def open_pull(place: Place, forge: FakeForge, number: int, files: dict[str, str | None], owner: str = "team") -> str:
    """Somebody opens a pull request on GitHub, from the repository itself or from a fork of `owner`; its head."""
    head = push_branch(place, f"work-{number}", files)
    git(place.bare, "update-ref", f"refs/pull/{number}/head", head)
    forge.state.pulls[str(number)] = {
        "number": number,
        "state": "open",
        "head": {"sha": head, "ref": "x", "repo": {"full_name": f"{owner}/models"}},
        "base": {"ref": "main", "repo": {"full_name": "team/models"}},
        "user": {"login": "ada"},
        "html_url": f"https://github.com/team/models/pull/{number}",
        "merged_at": None,
        "merge_commit_sha": "f" * 40,
    }
    return head


def test_pull_requests_of_github_are_told_on_github(place: Place) -> None:
    forge = FakeForge(GitHubSpelling())
    token = place.base / "token"
    token.write_text("canary-token\n")
    token.chmod(0o600)
    with listening(forge) as address:
        place.configure(
            forge={"kind": "github", "url": address, "repository": "team/models", "tokenFile": str(token)},
            previews={"poll": 1},
        )
        first = place.push({"one.yaml": job("one", "true")})
        place.start()
        place.settled(first)
        ours = open_pull(place, forge, 7, {"two.yaml": job("two", "true")})
        theirs = open_pull(place, forge, 8, {"three.yaml": job("three", "true")}, owner="stranger")

        def shown(head: str) -> tuple[str, str]:
            found = forge.state.shown().get((head, CONTEXT))
            return (found.state, found.description) if found is not None else ("", "")

        def comments(number: int) -> list[str]:
            return [one["body"] for one in forge.state.comments.get(str(number), {}).values()]

        for head in (ours, theirs):
            until(lambda: shown(head)[0] == "success", "both have a status")  # noqa: B023 -- called at once
            assert shown(head) == ("success", "1 starts, nothing removed")
        until(lambda: comments(7), "ours has a comment")
        assert "1 start" in comments(7)[0]
        assert f"(https://github.com/team/models/blob/{ours}/two.yaml#L1)" in comments(7)[0]
        assert comments(8) == [], "a fork gets a status"
        merged = {"state": "closed", "merged_at": "2026-11-26T12:00:00Z", "merge_commit_sha": ours}
        git(place.bare, "update-ref", "refs/heads/main", ours)
        forge.state.pulls["7"] |= merged
        until(lambda: "merged, 1 done" in comments(7)[0], "the comment is the outcome")
        assert len(comments(7)) == 1
        assert forge.state.writes["comment", "7"] == 1
        listed = [one for one in forge.state.asked if one.method == "GET" and one.path.endswith("/issues/7/comments")]
        assert len(listed) == 1, "comments are read once, at first contact"
        assert place.daemons[-1].end() == 0
    assert "canary-token" not in place.log.read_text()
    assert "crashed" not in place.log.read_text()
