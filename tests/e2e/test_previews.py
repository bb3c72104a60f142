"""Branches beside the watched one are previewed as pull requests: a status and a note on their head."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.harness import Place, git, job, until

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
