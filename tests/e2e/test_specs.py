"""Broken specs hold what they are about and nothing else; what is removed is stopped whole, however it resists."""

from __future__ import annotations

import pytest

from tests.e2e.harness import Place, is_alive, job, kill, service, until

pytestmark = pytest.mark.process

BROKEN = "version: 1.1\nkind: operation\nname: one\ncompnent: {}\nqueue: 7\n"


def test_a_broken_spec_holds_its_own_and_nothing_else(place: Place) -> None:
    files = {"one.yaml": service("one", "exec sleep 1000"), "two.yaml": service("two", "exec sleep 1000")}
    place.settled_start({**files, "gone.yaml": service("gone", "exec sleep 1000")})
    alive = place.starts()
    assert len(alive) == 3
    bad = {"one.yaml": BROKEN, "bad.yaml": "version: 1.1\nkind: operation\nname: a b\ncomponent: [\n"}
    commit = place.push({**bad, "gone.yaml": None, "new.yaml": job("new", "true")})
    view = place.settled(commit)
    assert view["state"] == "failure"
    assert view["problems"] >= 3
    said = {status["operation"]: (status["state"], status["description"]) for status in view["statuses"]}
    assert said["one"] == ("failure", "one.yaml has problems; the last good form stays in force")
    assert said["new"][0] == "success"
    assert said[""][1].startswith(f"{view['problems']} problems: bad.yaml:")
    status = place.get("/v1/status")
    assert status["firstProblem"].startswith("bad.yaml:")
    problems = place.get("/v1/plan", head=commit)["plan"]["problems"]
    assert len(problems) == view["problems"]
    assert {problem["path"] for problem in problems} == {"one.yaml", "bad.yaml"}
    assert all(problem["line"] and problem["column"] and problem["message"] for problem in problems)
    assert [pid for _, pid in place.starts()[:3]] == [pid for _, pid in alive if is_alive(pid)]
    assert [key for key, _ in place.starts()[3:]] == ["new@g1#1"]

    place.daemons[-1].kill()
    place.start()
    until(lambda: place.state_of("one") == "ready", "the last good form is in force after a crash too")

    mended = place.push({"one.yaml": files["one.yaml"], "bad.yaml": None})
    assert place.settled(mended)["state"] == "success"
    until(lambda: not place.pids("gone@"), "what was removed is stopped now")
    assert place.starts()[:3] == alive
    assert place.pids("one@") == [alive_pid for key, alive_pid in alive if key.startswith("one@")]


def test_the_removal_of_the_last_spec_is_held(place: Place) -> None:
    place.settled_start({"serve.yaml": service("serve", "exec sleep 1000")})
    (pid,) = place.pids("serve@")
    commit = place.push({"serve.yaml": None, "README.md": "nothing is left\n"})
    (hold,) = until(lambda: place.get("/v1/status")["holds"], "the removal is held")
    assert hold["operations"] == ["serve"]
    assert "no operation left" in hold["reason"]
    assert place.state_of("serve") == "held"
    assert place.commit_view(commit)["state"] == "pending"
    place.daemons[-1].kill()
    place.start()
    until(lambda: place.commit_view(commit)["statuses"], "it is planned")
    assert place.get("/v1/status")["holds"] == [hold]
    assert is_alive(pid)

    assert place.ask("approve", hold["hold"])["ok"]
    assert place.settled(commit)["state"] == "success"
    until(lambda: not is_alive(pid), "it is stopped")
    assert place.get("/v1/status")["operations"] == []
    assert place.run("serve@g1")["status"] == "stopped"


HOSTILE = {
    "ignores-term": "trap '' TERM INT HUP; while :; do sleep 0.1; done",
    "daemonises": """(setsid sh -c 'trap "" TERM; exec sleep 1000' "$PLACE" & ) ; exec sleep 1000""",
    "breeds": """for n in 1 2 3 4 5 6 7 8 9; do (setsid sh -c 'sleep 1000; :' "$PLACE" &) ; done; exec sleep 1000""",
    "floods": "while :; do cat /dev/zero; done",
    "stops-itself": "kill -STOP $$",
}


def test_hostile_programs_are_ended_whole(place: Place) -> None:
    """All at once, beside one that behaves: none delays another, and nothing of them is left."""
    place.configure(grace=1, local={"logMegabytes": 1})
    hostile = {f"{name}.yaml": job(name, script) for name, script in HOSTILE.items()}
    place.push({**hostile, "good.yaml": service("good", "exec sleep 1000")})
    place.start()
    until(lambda: len(place.starts()) == len(hostile) + 1 and place.state_of("good") == "ready", "all run")
    commit = place.push({**dict.fromkeys(hostile), "next.yaml": job("next", "true")})
    (hold,) = until(lambda: place.get("/v1/status")["holds"], "so many removals are held")
    assert place.ask("approve", hold["hold"])["ok"]
    until(lambda: place.state_of("next") == "succeeded", "another job is not held up")
    assert place.settled(commit)["state"] == "success"
    assert place.of_runs() == {*place.pids("good@"), place.supervisor_of("good@g1#1")}
    assert place.state_of("good") == "ready"
    logs = [path.stat().st_size for path in (place.state / "local/logs").rglob("*.log*")]
    assert max(logs) <= 1 << 20


def test_what_a_job_leaves_behind_ends_with_it(place: Place) -> None:
    script = """(setsid sh -c 'trap "" TERM; exec sleep 1000' "$PLACE" & ) ; exit 0"""
    place.settled_start({"leaves.yaml": job("leaves", script)})
    assert place.run("leaves@g1")["status"] == "succeeded"
    until(lambda: place.of_runs() == set(), "the supervisor is done")


def test_a_supervisor_that_is_killed(place: Place) -> None:
    """The run is lost, what is left of it is ended, and it is tried again by its policy."""
    place.push({"slow.yaml": job("slow", "exec sleep 1000", termination={"maxRetries": 1})})
    place.start()
    until(place.starts, "it runs")
    (_, program), *_ = place.starts()
    kill(place.supervisor_of("slow@g1#1"))
    until(lambda: len(place.starts()) == 2, "it runs again")
    assert not is_alive(program)
    run = place.run("slow@g1")
    assert [attempt["reason"] for attempt in run["attemptList"]] == ["lost", None]
