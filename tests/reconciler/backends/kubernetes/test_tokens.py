"""A token names one attempt of one ledger, and nobody else can make one."""

import pytest

from planner import keys
from planner.model.run import Stamp
from reconciler.backends.kubernetes.tokens import Tokens, given_secret, secret_at
from reconciler.errors import Unusable

pytestmark = pytest.mark.unit

OWNER = Stamp("ledger-1", 7, "default", "demo")
KEY = keys.parse("train@2026-11-23T06:00Z/eval~1#2")
TOKENS = Tokens(b"s" * 32, OWNER)


def test_a_token_names_its_attempt():
    assert TOKENS.key_of(TOKENS.of(KEY)) == KEY


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "train",
        TOKENS.of(KEY)[:-1],
        TOKENS.of(KEY) + "0",
        TOKENS.of(KEY).partition(".")[0] + ".",
        TOKENS.of(KEY.run.at_attempt(3)).partition(".")[0] + "." + TOKENS.of(KEY).partition(".")[2],
        "\N{SNOWMAN}." + TOKENS.of(KEY).partition(".")[2],
        Tokens(b"t" * 32, OWNER).of(KEY),
        Tokens(b"s" * 32, Stamp("ledger-2", 7, "default", "demo")).of(KEY),
        Tokens(b"s" * 32, Stamp("ledger-1", 7, "default", "other")).of(KEY),
    ],
)
def test_what_we_never_made_names_nothing(token):
    assert TOKENS.key_of(token) is None


def test_the_ledgers_sequence_is_no_part_of_it():
    assert Tokens(b"s" * 32, Stamp("ledger-1", 99, "default", "demo")).key_of(TOKENS.of(KEY)) == KEY


def test_a_secret_is_made_once_and_is_ours_alone(tmp_path):
    path = tmp_path / "kubernetes" / "token.key"
    found = secret_at(path)
    assert secret_at(path) == found
    assert (len(found), path.stat().st_mode & 0o777) == (32, 0o600)
    path.chmod(0o644)
    with pytest.raises(Unusable, match="chmod 600"):
        secret_at(path)


def test_an_empty_secret_is_none(tmp_path):
    path = tmp_path / "token.key"
    path.touch(mode=0o600)
    with pytest.raises(Unusable, match="holds no secret"):
        secret_at(path)


def test_a_secret_that_is_mounted_may_be_read_by_its_group(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"k" * 40)
    path.chmod(0o440)
    assert given_secret(path) == b"k" * 40
    path.chmod(0o444)
    with pytest.raises(Unusable, match="can be read by others"):
        given_secret(path)
    path.chmod(0o400)
    path.write_bytes(b"short")
    with pytest.raises(Unusable, match="the same for all replicas"):
        given_secret(path)
    path.unlink()
    with pytest.raises(Unusable, match=r"agent.tokenKeyFile: .* cannot be read: No such file"):
        given_secret(path)
    assert not path.exists(), "it is never made"
