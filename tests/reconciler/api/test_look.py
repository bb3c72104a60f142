"""What the API shows: status, runs, commits, logs, addresses and reasons."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from planner.fold import RootState
from planner.guard import Budgets
from planner.model.commits import StatusRecord
from planner.model.run import Snapshot
from reconciler.backends.memory import Program
from reconciler.errors import Refused
from tests.reconciler.api.support import Answer, World, dag, eventually, job, policy, service

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

NIGHTLY = "schedule: {kind: cron, cron: '0 2 * * *'}"


async def test_status_shows_every_operation_in_one_word() -> None:
    world = World(programs={"bad": Program(seconds=0.0, exit_code=3), "slow": Program(seconds=None)})
    world.push(
        {
            "a.yaml": job("good"),
            "b.yaml": job("bad"),
            "c.yaml": job("slow"),
            "d.yaml": service("serve"),
            "e.yaml": job("nightly", more=NIGHTLY),
            "f.yaml": dag("graph"),
            "g/manual.yaml": job("asked"),
            **policy("policies: [{match: 'g/*', runPolicy: manual}]"),
        }
    )
    async with world.running() as api:
        expected = {
            "good": "succeeded",
            "bad": "failed",
            "slow": "running",
            "serve": "ready",
            "nightly": "scheduled",
            "graph": "succeeded",
            "asked": "manual",
        }

        async def look() -> Answer | None:
            found = await api.get("/v1/status")
            words = {item["operation"]: item["state"] for item in found["operations"]}
            return found if words == expected else None

        found = await eventually(look)
        by_name = {item["operation"]: item for item in found["operations"]}
        assert found["project"] == "project"
        assert found["head"] == world.remote.branches["main"]
        assert found["source"]["failing"] == ""
        assert by_name["nightly"]["nextTick"].endswith("T02:00:00Z")
        assert by_name["bad"]["last"]["exitCode"] == 3
        assert by_name["serve"]["inForce"]
        assert found["holds"] == []


async def test_status_says_that_the_repository_does_not_answer_and_since_when() -> None:
    world = World()
    world.push({"a.yaml": job("good")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        world.remote.unreachable = "no route to host"
        world.core.queue.add("source")

        async def look() -> Answer | None:
            found = await api.get("/v1/status")
            return found if found["source"]["failing"] else None

        found = await eventually(look)
        assert found["source"]["failing"] == "no route to host"
        assert found["source"]["ageSeconds"] >= 0
        assert [item["state"] for item in found["operations"]] == ["succeeded"]


async def test_a_fault_of_ours_is_shown_while_it_lasts_and_keeps_nobody_else() -> None:
    world = World()
    world.push({"a.yaml": job("train"), "b.yaml": job("other")})
    look = world.loop.observer.look

    async def broken(state: RootState) -> Snapshot | None:
        if state.record.name == "train":
            raise KeyError("what nobody thought of")
        return await look(state)

    world.loop.observer.look = broken  # type: ignore[method-assign]
    words = "planning train fails, a fault of Plumbline (KeyError): the log has the traceback"
    with capture_logs():
        async with world.running() as api:
            await api.until("other", "succeeded")

            async def warned() -> bool | None:
                warnings = (await api.get("/v1/status"))["warnings"]
                return any(words in warning for warning in warnings) or None

            await eventually(warned)
            world.loop.observer.look = look  # type: ignore[method-assign]
            await api.until("train", "succeeded")
            assert await warned() is None


async def test_what_is_removed_is_not_shown() -> None:
    world = World()
    world.push({"a.yaml": job("good"), "b.yaml": job("gone")})
    async with world.running() as api:
        await api.until("gone", "succeeded")
        world.push({"a.yaml": job("good")})

        async def look() -> Answer | None:
            found = await api.get("/v1/status")
            return found if [item["operation"] for item in found["operations"]] == ["good"] else None

        await eventually(look)


async def test_a_run_is_found_in_every_form_that_people_type() -> None:
    world = World(programs={"bad": Program(seconds=0.0, exit_code=1)})
    world.push({"a.yaml": job("good"), "b.yaml": job("bad")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("bad", "failed")
        found = await api.get("/v1/run", run="good@g1")
        assert found["status"] == "succeeded"
        assert found["bound"]["replicas"][0]["command"] == ["train", "0.1"]
        assert [attempt["exitCode"] for attempt in found["attemptList"]] == [0]
        for name in ("good", "good@last", "good@g1#1", found["id"], found["id"][:8], f"{found['id']}#1"):
            assert (await api.get("/v1/run", run=name))["key"] == "good@g1"
        assert (await api.get("/v1/run", run="bad@last-failed"))["key"] == "bad@g1"
        assert (await api.get("/v1/run", run="good@last-failed", status=404))["detail"] == "no run of good has failed"


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        pytest.param("godo", 404, "did you mean good?", id="typo"),
        pytest.param("good@g7", 404, "plumbline runs --root good", id="no-such-generation"),
        pytest.param("good@g1#4", 404, "good@g1 has 1 attempt", id="no-such-attempt"),
        pytest.param("r-zzzzzzzz", 404, "no run has an id", id="no-such-id"),
        pytest.param("../../etc/passwd", 404, "is no operation", id="a-path"),
        pytest.param("x" * 2000, 400, "is needed", id="endless"),
        pytest.param("", 400, "is needed", id="empty"),
    ],
)
async def test_a_name_that_fits_nothing_is_answered_with_what_to_do(name: str, status: int, words: str) -> None:
    world = World()
    world.push({"a.yaml": job("good")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        assert words in (await api.get("/v1/run", run=name, status=status))["detail"]


async def test_an_ambiguous_id_is_answered_with_the_list() -> None:
    world = World()
    world.push({f"{number}.yaml": job(f"op{number}") for number in range(12)})
    async with world.running() as api:
        for number in range(12):
            await api.until(f"op{number}", "succeeded")
        ids = [run["id"] for run in (await api.get("/v1/runs"))["runs"]]
        shared = next((one[:3] for one in ids if sum(other.startswith(one[:3]) for other in ids) > 1), "")
        if shared:
            answer = await api.get("/v1/run", run=shared, status=409)
            assert "fits more than one run" in answer["detail"]
            assert len(answer["runs"]) > 1


async def test_runs_are_filtered_and_limited() -> None:
    world = World(programs={"slow": Program(seconds=None)})
    world.push({"a.yaml": job("good"), "b.yaml": job("slow")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("slow", "running")

        async def keys(**params: str | int | bool) -> Sequence[str]:
            return [run["key"] for run in (await api.get("/v1/runs", **params))["runs"]]

        assert sorted(await keys()) == ["good@g1", "slow@g1"]
        assert await keys(root="good") == ["good@g1"]
        assert await keys(live=True) == ["slow@g1"]
        assert await keys(live=False) == ["good@g1"]
        assert len(await keys(limit=1)) == 1
        assert await keys(limit=0) == []
        assert "no operation" in (await api.get("/v1/runs", root="nothing", status=404))["detail"]


async def test_runs_are_found_by_a_query() -> None:
    world = World(programs={"bad": Program(seconds=0.0, exit_code=1), "cool": Program(outputs={"loss": 0.1})})
    world.push({"a.yaml": job("good"), "b.yaml": job("bad"), "c.yaml": job("cool")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("bad", "failed")
        await api.until("cool", "succeeded")

        async def keys(**params: str | int | bool) -> Sequence[str]:
            return [run["key"] for run in (await api.get("/v1/runs", **params))["runs"]]

        assert await keys(query="status: failed") == ["bad@g1"]
        assert await keys(query="metrics.loss: < 0.3") == ["cool@g1"]
        assert await keys(query="inputs.rate: 0.1", sort="-name") == ["good@g1", "cool@g1", "bad@g1"]
        assert await keys(sort="metrics.loss, name", limit=2, offset=1) == ["bad@g1", "good@g1"]
        assert await keys(query="status: failed", root="good") == []
        answer = await api.get("/v1/runs", query="status: failed, sttus: x", status=422)
        assert (answer["code"], answer["problems"][0]["column"]) == ("PL-204", 17)
        assert answer["problems"][0]["hint"] == "did you mean `status`?"
        answer = await api.get("/v1/runs", sort="framework", status=422)
        assert answer["code"] == "PL-204"


REPORT = b"""\
version: 1.1
kind: operation
name: report
joins: [{query: 'name: good OR name: cool', sort: name, params: {rates: inputs.rate, losses: outputs.loss}}]
component:
  inputs: [{name: rates, type: float, isList: true}, {name: losses, type: float, isList: true}]
  run: {kind: job, container: {image: i, command: [c], args: ["{{ losses | length }}"]}}
"""


async def test_a_run_says_which_runs_it_has_joined() -> None:
    world = World(programs={"cool": Program(outputs={"loss": 0.1})})
    world.push({"a.yaml": job("good"), "c.yaml": job("cool")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("cool", "succeeded")
        world.push({"a.yaml": job("good"), "c.yaml": job("cool"), "r.yaml": REPORT})
        await api.until("report", "succeeded")
        bound = (await api.get("/v1/run", run="report"))["bound"]
        query = "name: good OR name: cool"
        assert bound["params"] == {"rates": [0.1, 0.1], "losses": [0.1, None]}
        assert bound["joins"] == [{"query": query, "params": ["rates", "losses"], "runs": ["cool@g1", "good@g1"]}]
        assert bound["replicas"][0]["command"] == ["c", "2"]
        reasons = (await api.get("/v1/explain", operation="report"))["reasons"]
        assert reasons[-1] == f"report@g1 joined 2 runs that `{query}` found"


async def test_a_graph_shows_how_its_nodes_go() -> None:
    world = World(programs={"first": Program(seconds=0.0), "second": Program(seconds=0.0, exit_code=3)})
    world.push({"a.yaml": dag("graph"), "b.yaml": job("good")})
    async with world.running() as api:
        await api.until("graph", "failed")
        found = await api.get("/v1/graph", run="graph@last")
        assert (found["told"]["run"], found["told"]["status"]) == ("graph@g1", "failed")
        told = {node["path"]: (node["layer"], node["told"]["status"], node["told"]["run"]) for node in found["nodes"]}
        assert told == {"first": (1, "succeeded", "graph@g1/first"), "second": (2, "failed", "graph@g1/second")}
        assert found["edges"] == [{"source": "first", "target": "second", "reasons": ["dependency"]}]
        node = await api.get("/v1/graph", run="graph@g1/second")
        assert node == found
        plain = await api.get("/v1/graph", run="graph")
        assert [node["told"]["status"] for node in plain["nodes"]] == ["", ""]
        assert "no operation" in (await api.get("/v1/graph", run="nothing", status=404))["detail"]


async def test_what_differs_between_two_runs() -> None:
    world = World(programs={"good": Program(seconds=0.0, exit_code=3)})
    secret = b"env: [{name: API_TOKEN, value: hush-1}, {name: MODE, value: fast}]"
    first = job("good", command="fit --token=hush-2").replace(b"image: i,", b"image: i, " + secret + b",")
    world.push({"a.yaml": first})
    async with world.running() as api:
        await api.until("good", "failed")
        world.programs["good"] = Program(seconds=0.0, outputs={"loss": 0.5})
        second = first.replace(b"hush", b"shh").replace(b"value: 0.1", b"value: 0.2").replace(b"fast", b"slow")
        world.push({"a.yaml": second})
        await api.until("good", "succeeded")
        found = await api.get("/v1/diff", before="good@last-failed", after="good@last")
        assert (found["before"]["key"], found["after"]["key"]) == ("good@g1", "good@g2")
        changes = {change["pointer"]: (change["before"], change["after"]) for change in found["changes"]}
        assert changes["/params/rate"] == (0.1, 0.2)
        assert changes["/command/main/1"] == ("0.1", "0.2")
        assert changes["/env/main/MODE"] == ("fast", "slow")
        assert changes["/env/main/API_TOKEN"] == ("(hidden)", "(hidden)")
        assert changes["/command/main/0"] == ("fit --token=(hidden)", "fit --token=(hidden)")
        assert changes["/end/status"] == ("failed", "succeeded")
        assert changes["/end/exitCode"] == (3, 0)
        assert changes["/outputs/loss"] == (None, 0.5)
        assert "hush" not in str(found["changes"])
        assert found["changes"][0]["pointer"] == "/run/commit"
        same = await api.get("/v1/diff", before="good@g1", after="good@g1")
        assert same["changes"] == []
        assert "there is no run" in (await api.get("/v1/diff", before="good@g1", after="good@g9", status=404))["detail"]


async def test_a_commit_says_what_it_caused() -> None:
    world = World(programs={"bad": Program(seconds=0.0, exit_code=1)})
    ident = world.push({"a.yaml": job("good"), "b.yaml": job("bad")})
    async with world.running() as api:

        async def look() -> Answer | None:
            response = await api.client.get(f"/v1/commits/{ident[:10]}")
            return response.json() if response.status_code == 200 and response.json()["final"] else None

        found = await eventually(look)
        assert found["commit"] == ident
        assert found["state"] == "failure"
        assert {item["operation"]: item["state"] for item in found["statuses"] if item["operation"]} == {
            "good": "success",
            "bad": "failure",
        }
        assert "no planned commit" in (await api.get("/v1/commits/00000000", status=404))["detail"]
        assert "commit id" in (await api.get("/v1/commits/main", status=400))["detail"]


async def test_logs_of_a_job_and_of_all_nodes_of_a_dag() -> None:
    world = World()
    world.push({"a.yaml": job("good"), "b.yaml": dag("graph")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.until("graph", "succeeded")
        one = await api.client.get("/v1/logs", params={"run": "good"})
        assert one.text == "good@g1#1 ran in memory\n"
        assert one.headers["content-type"].startswith("text/plain")
        many = await api.client.get("/v1/logs", params={"run": "graph"})
        assert many.text == "first | graph@g1/first#1 ran in memory\nsecond | graph@g1/second#1 ran in memory\n"


@pytest.mark.parametrize("name", ["good", "graph"])
async def test_following_ends_when_the_run_is_over_and_has_seen_every_attempt(name: str) -> None:
    world = World(programs={"good": Program(seconds=0.05, exit_code=1), "second": Program(seconds=0.05)})
    files = {"good": job("good", more="termination: {maxRetries: 1}"), "graph": dag("graph")}
    world.push({"a.yaml": files[name]})
    async with world.running() as api:

        async def begun() -> Answer | None:
            found = await api.operation(name)
            # An operation is known before it has a run, which alone can be followed.
            return found if found.get("last") else None

        await eventually(begun)
        followed = await api.client.get("/v1/logs", params={"run": name, "follow": "true"}, timeout=20)
        expected = {"good": ["good@g1#1", "good@g1#2"], "graph": ["graph@g1/first#1", "graph@g1/second#1"]}[name]
        assert all(key in followed.text for key in expected)


async def test_logs_of_what_has_not_started_say_why() -> None:
    world = World()
    world.push({"a.yaml": job("good")})
    async with world.running() as api:
        await api.until("good", "succeeded")
        await api.ask("suspend", "good")
        world.push({"a.yaml": job("good", command="other")})

        async def look() -> Answer | None:
            found = await api.operation("good")
            return found if found["waits"] else None

        found = await eventually(look)
        assert found["waits"][0]["text"].startswith("waiting for the end of the suspension by ")
        assert found["waits"][0]["text"].endswith("; plumbline unsuspend good")
        answer = await api.get("/v1/explain", operation="good")
        assert answer["answer"].startswith("suspended by ")


async def test_a_service_is_opened_where_it_listens() -> None:
    world = World()
    world.push({"a.yaml": service("serve"), "b.yaml": job("good")})
    async with world.running() as api:
        ready = await api.until("serve", "ready")
        answer = await api.get("/v1/open", run="serve")
        assert answer["url"] == f"http://127.0.0.1:{ready['ports']['8080/0']}/"
        assert (await api.get("/v1/open", run=ready["last"]["id"]))["url"] == answer["url"]
        await api.until("good", "succeeded")
        assert "nothing of good is running" in (await api.get("/v1/open", run="good", status=409))["detail"]
        assert "is a job" in (await api.get("/v1/open", run="good@last", status=409))["detail"]
        await api.ask("stop", "serve")
        await api.until("serve", "down")
        assert "plumbline retry serve" in (await api.get("/v1/open", run="serve", status=409))["detail"]


async def test_a_service_that_never_gets_ready_is_not_opened() -> None:
    world = World(programs={"serve": Program(seconds=None, ready_after=None)})
    world.push({"a.yaml": service("serve")})
    async with world.running() as api:
        await api.until("serve", "warning")
        assert "plumbline logs -f serve" in (await api.get("/v1/open", run="serve", status=409))["detail"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param({"a.yaml": job("it")}, "it has run for what is in the repository", id="done"),
        pytest.param({"a.yaml": job("it", more=NIGHTLY)}, "it runs by its schedule, next at ", id="schedule"),
        pytest.param(
            {"a.yaml": job("it"), **policy("defaults: {runPolicy: manual}")},
            "it runs when asked: plumbline run it",
            id="manual",
        ),
    ],
)
async def test_explain_says_why_it_rests(files: dict[str, bytes], words: str) -> None:
    world = World()
    world.push(files)
    async with world.running() as api:

        async def look() -> Answer | None:
            response = await api.client.get("/v1/explain", params={"operation": "it"})
            answer = response.json()
            return answer if response.status_code == 200 and words in str(answer["answer"]) else None

        assert (await eventually(look))["operation"] == "it"


async def test_explain_shows_which_fields_moved() -> None:
    world = World()
    world.push({"a.yaml": job("it")})
    async with world.running() as api:
        await api.until("it", "succeeded")
        first = await api.get("/v1/explain", operation="it", digest=True)
        assert first["digest"]["changes"] == []
        world.push({"a.yaml": job("it", command="other")})

        async def look() -> Answer | None:
            answer = await api.get("/v1/explain", operation="it", digest=True)
            return answer if answer["applied"]["generation"] == 2 else None

        changes = (await eventually(look))["digest"]["changes"]
        assert [change["after"] for change in changes] == ["other"]


async def test_what_is_held_says_who_can_release_it() -> None:
    world = World(budgets=Budgets(starts=1))
    world.push({"a.yaml": job("one"), "b.yaml": job("two")})
    async with world.running() as api:
        await api.until("one", "held")
        (hold,) = (await api.get("/v1/status"))["holds"]
        assert hold["operations"] == ["one", "two"]
        assert hold["release"] == f"plumbline approve {hold['hold']}"
        answer = await api.get("/v1/explain", operation="one")
        assert answer["answer"].startswith("held since ")
        assert answer["answer"].endswith(f"plumbline approve {hold['hold']}")


async def test_what_the_forge_refuses_is_shown_while_it_lasts_and_logged_once() -> None:
    """It waits for a person: no fault of ours, so no traceback, and no line for each try."""
    world, tries = World(), 0
    take, words = world.core.forge.put, "the notes ref is a blob: remove it"

    async def refuse(_: Sequence[StatusRecord]) -> None:
        nonlocal tries
        tries += 1
        raise Refused(words)

    world.core.forge.put = refuse  # type: ignore[method-assign]
    commit = world.push({"a.yaml": job("train")})
    with capture_logs() as logged:
        async with world.running() as api:

            async def shown(*, told: bool) -> Answer | None:
                status = await api.get("/v1/status")
                said = await world.ledger.statuses(commit)
                done = bool(said) and all(one.posted for one in said) if told else tries >= 2
                return status if done and (words in status["warnings"]) is not told else None

            await eventually(lambda: shown(told=False))
            assert (await api.operation("train"))["state"] == "succeeded"
            world.core.forge.put = take  # type: ignore[method-assign]
            await eventually(lambda: shown(told=True))
    assert [(entry["event"], entry["reason"]) for entry in logged if entry["log_level"] != "info"] == [
        ("refused", words)
    ]


async def test_schedules_tell_their_next_ticks_and_what_a_suspension_does() -> None:
    world = World()
    world.push({"a.yaml": job("nightly", more=NIGHTLY), "b.yaml": job("good")})
    async with world.running() as api:
        await api.until("nightly", "scheduled")
        (found,) = (await api.get("/v1/schedules", count=2))["schedules"]
        assert (found["operation"], found["rule"], found["timezone"]) == ("nightly", "0 2 * * *", "UTC")
        assert [tick["at"][10:] for tick in found["ticks"]] == ["T02:00:00Z"] * 2
        assert found["remarks"] == []
        await api.ask("suspend", "nightly")
        (found,) = (await api.get("/v1/schedules", operation="nightly"))["schedules"]
        assert found["ticks"] == []
        assert "all ticks are passed over until it is lifted" in found["remarks"][0]
        assert "no schedule" in (await api.get("/v1/schedules", operation="good", status=404))["detail"]
        await api.get("/v1/schedules", operation="nobody", status=404)
        await api.get("/v1/schedules", count="x", status=400)
