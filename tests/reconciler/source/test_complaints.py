"""Git's words as sentences, and whose fault it is: its words count, never the names in them."""

from __future__ import annotations

import pytest

from reconciler.source.complaints import explain, is_refusal, is_remotes_fault
from reconciler.source.remote import parse

pytestmark = pytest.mark.unit

URL = "https://forge.example/team/models.git"
ACCESS = f"fatal: unable to access '{URL}/': "
SAID = {
    "host": (f"{ACCESS}Could not resolve host: forge.example", "cannot find the host of {}"),
    "ssh-host": ("ssh: Could not resolve hostname x: Name or service not known", "cannot find the host of {}"),
    "host-key": ("No ECDSA host key is known for x.\nHost key verification failed.", "the host key of {} is not known"),
    "refused": (f"{ACCESS}Failed to connect to forge.example port 443: Couldn't connect to server", "cannot reach {}"),
    "ssh-refused": ("ssh: connect to host forge.example port 22: Connection refused", "cannot reach {}"),
    "403": (f"{ACCESS}The requested URL returned error: 403", "no access to {}"),
    "login": ("fatal: could not read Username for 'https://forge.example': prompts disabled", "no access to {}"),
    "404": (f"remote: Not found\nfatal: repository '{URL}/' not found", "there is no git repository at {}"),
    "folder": ("fatal: '/srv/x' does not appear to be a git repository", "there is no git repository at {}"),
    "redirect": (f"{ACCESS}The requested URL returned error: 302", "{} redirects elsewhere"),
    "certificate": (f"{ACCESS}server certificate verification failed. CAfile: none", "the certificate of {}"),
    "openssl": (f"{ACCESS}OpenSSL SSL_connect: Connection reset by peer", "the certificate of {}"),
    "gnutls": (f"{ACCESS}gnutls_handshake() failed: Error in the push function.", "the certificate of {}"),
    "shallow": ("warning: rejected refs/heads/main because shallow roots are not allowed", "{} is a shallow clone"),
    "branch": ("fatal: couldn't find remote ref refs/heads/main", "the branch of {} went away"),
    "protocol": ("fatal: transport 'ext' not allowed", "the protocol of {} is not allowed"),
    "fsck": (f"error: object {'a' * 40}: hasDotdot: contains '..'", "{} holds an object that git fsck refuses"),
    "login-wrong": (f"fatal: Authentication failed for '{URL}/'", "no access to {}: check its credential"),
    "expired": ("SSL certificate problem: expired", "the certificate of {} is not trusted"),
    "fsck-pack": ("fatal: fsck error in packed object", "{} holds an object that git fsck refuses"),
    "early": ("fetch-pack: unexpected disconnect\nfatal: early EOF", "cannot reach {}"),
    "cut": ("fetch-pack: unexpected disconnect while reading sideband packet", "cannot reach {}"),
}
NOT_THE_REMOTE = {
    "": "it gave no reason",
    "warning: x\nfatal: bad object refs/x\n": "bad object refs/x",
    "fatal: Unable to create '/s/x.lock': File exists.": "Unable to create '/s/x.lock': File exists.",
}
NAMES = [
    "ssl",
    "gnutls",
    "classlist",
    "shallow",
    "redirects",
    "certificates",
    "timeout",
    "unreachable",
    "not a git repo",
]


@pytest.mark.parametrize(("said", "sentence"), SAID.values(), ids=SAID.keys())
def test_what_a_remote_is_blamed_for(said: str, sentence: str) -> None:
    remote = parse(URL)
    assert is_remotes_fault(remote, said)
    assert explain(remote, said).startswith(sentence.format(remote))


@pytest.mark.parametrize(("said", "reason"), NOT_THE_REMOTE.items())
def test_what_may_be_the_fault_of_our_copy(said: str, reason: str) -> None:
    remote = parse(URL)
    assert not is_remotes_fault(remote, said)
    assert explain(remote, said) == f"git cannot read {remote}: {reason}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "said",
    [
        "error: object file /state/{}/mirror.git/objects/ab/cd is empty",
        "fatal: bad object refs/plumbline/{}/head",
        "fatal: loose object ab (stored in /state/{}/mirror.git/objects/ab) is corrupt",
        "fatal: packfile '/srv/{}/models.git/objects/pack/pack-1.pack' cannot be mapped",
        "error: cannot lock ref 'refs/plumbline/{}/head': unable to resolve reference",
    ],
)
def test_a_name_is_no_word(said: str, name: str) -> None:
    remote = parse(f"/srv/{name}/models.git")
    ours = (f"/state/{name}/mirror.git", f"refs/plumbline/{name}/head")
    assert not is_remotes_fault(remote, said.format(name), ours)
    assert explain(remote, said.format(name), ours).startswith(f"git cannot read {remote}: ")


@pytest.mark.parametrize("host", ["ssl", "tls.example", "certificates.example.org"])
def test_a_host_is_no_word(host: str) -> None:
    remote = parse(f"git@{host}:team/models")
    said = f"ssh: connect to host {host} port 22: Connection timed out"
    assert explain(remote, said) == f"cannot reach {remote}"
    said = f"Connection closed by {host} port 22\nfatal: Could not read from remote repository."
    assert explain(remote, said) == f"cannot reach {remote}"


def test_refusals_of_a_push() -> None:
    assert is_refusal("! [remote rejected] x -> x (pre-receive hook declined)")
    assert is_refusal("remote: error: GH006: Protected branch update failed")
    assert not is_refusal("! [rejected] x -> x (fetch first)")


def test_a_ref_named_as_a_refusal_is_none() -> None:
    assert is_refusal("! [remote rejected] refs/notes/plumbline/x -> refs/notes/plumbline/x (hook declined)")
    assert not is_refusal("error: cannot lock ref 'refs/notes/plumbline/protected': is at a but expected b")
