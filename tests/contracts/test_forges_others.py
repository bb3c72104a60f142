"""GitLab and Gitea under the suite of the port."""

from __future__ import annotations

import pytest

from planner.model.commits import StatusState
from reconciler.errors import Transient
from tests.contracts.forge import ForgeContract
from tests.contracts.forge_words import said
from tests.forges.forge import FakeForge
from tests.forges.gitea import GiteaSpelling
from tests.forges.gitlab import GitLabSpelling
from tests.forges.others import gitea, gitlab
from tests.forges.parts import sha
from tests.forges.state import State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


class OtherWorld:
    shows_all = True

    def __init__(self, spelling, adapter, words):
        self.fake = FakeForge(spelling, state=State(commits={sha(1), sha(2)}))
        self._adapter, self._words = adapter, words
        self.forge = adapter(self.fake)

    async def commits(self):
        return [sha(1), sha(2)]

    async def shown(self, commit):
        found = {c: s for (of, c), s in self.fake.state.shown().items() if of == commit}
        return {c: (self._words.get(s.state, s.state), s.description) for c, s in found.items()}

    def again(self):
        return self._adapter(self.fake)


class TestGitLab(ForgeContract):
    @pytest.fixture
    async def world(self):
        made = OtherWorld(GitLabSpelling(), gitlab, {"failed": "failure"})
        yield made
        await made.forge.close()

    @pytest.mark.parametrize("state", list(StatusState))
    async def test_every_state_has_a_word(self, world, state):
        """GitLab has one word for what failed and what could not be done."""
        assert (await world.forge.put([said(sha(1), "", state)])).taken
        coarse = {StatusState.SUPERSEDED: "success", StatusState.ERROR: "failure"}
        assert (await world.shown(sha(1)))["plumbline/test"][0] == coarse.get(state, state.value)


class TestGitea(ForgeContract):
    @pytest.fixture
    async def world(self):
        made = OtherWorld(GiteaSpelling(), gitea, {})
        yield made
        await made.forge.close()

    async def test_a_commit_that_is_unknown_holds_up_no_other(self, world):
        """Gitea answers 500 for it, so it is told apart by a second look, once the forge may be asked again."""
        with pytest.raises(Transient):
            await world.forge.put([said("f" * 40), said(sha(1))])
        world.forge._client.patience._until = 0.0
        told = await world.forge.put([said("f" * 40), said(sha(1))])
        assert [refusal.status.commit for refusal in told.refused] == ["f" * 40]
        assert (await world.forge.put([said(sha(1))])).taken
        assert "plumbline/test" in await world.shown(sha(1))
