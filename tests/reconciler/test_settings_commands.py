"""The section `commands` of the configuration."""

from __future__ import annotations

import pytest

from reconciler.errors import Unusable
from reconciler.settings import load_settings

pytestmark = pytest.mark.unit

FORGE = "forge: {kind: github, tokenVariable: TOKEN}\n"


@pytest.fixture
def load(tmp_path):
    def made(text, forge=FORGE):
        path = tmp_path / "daemon.yaml"
        path.write_text(f"repository: {{url: 'https://github.com/team/models.git', branch: main}}\n{forge}{text}")
        return load_settings(path)

    return made


def test_nobody_is_obeyed_by_default(load):
    assert load("").commands is None


def test_all_of_it(load):
    said = load(
        "commands: {permission: admin, users: [ada, b.o-b_1], teams: [team/ops, a/b/c], approveOwn: true}\n"
    ).commands
    assert said is not None
    assert (said.permission, said.users, said.teams, said.approve_own) == (
        "admin",
        ("ada", "b.o-b_1"),
        ("team/ops", "a/b/c"),
        True,
    )
    assert load("commands: {users: [ada]}\n").commands.approve_own is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("commands: {}\n", "lets nobody"),
        ("commands: {users: []}\n", "lets nobody"),
        ("commands: {permission: read}\n", "permission"),
        ("commands: {users: ['@ada']}\n", "is not a login"),
        ("commands: {users: ['a/b']}\n", "is not a login"),
        ("commands: {teams: ['../ops']}\n", "is not a team"),
        ("commands: {teams: ['team/ops?x']}\n", "is not a team"),
        (f"commands: {{users: [{', '.join(f'u{number}' for number in range(201))}]}}\n", "more than 200"),
        ("commands: {permission: write}\npreviews: {pulls: false}\n", "previews.pulls"),
    ],
)
def test_what_cannot_be_is_said(load, text, words):
    with pytest.raises(Unusable, match=words):
        load(text)


@pytest.mark.parametrize("forge", ["", "forge: none\n", "forge: notes\n", "forge: {kind: notes}\n"])
def test_it_needs_a_forge(load, forge):
    with pytest.raises(Unusable, match="needs a forge"):
        load("commands: {permission: write}\n", forge)
