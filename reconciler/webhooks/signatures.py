"""Whether a delivery was signed with a secret that this daemon knows: over its raw bytes, and in constant time.

    GitHub           X-Hub-Signature-256: sha256=HEX         HMAC-SHA256 of the body
    Gitea, Forgejo   X-Gitea-Signature, X-Forgejo-Signature  the same, HEX alone
    GitLab           webhook-signature: v1,BASE64            HMAC-SHA256 of `webhook-id.webhook-timestamp.body`, by its
                                                             signing token; else X-Gitlab-Token, the secret as it is

What it must never do: take a SHA-1, or tell which of the secrets or which part was wrong.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers

from reconciler.webhooks.senders import Forge, only

__all__ = ["WINDOW", "Claim", "Secret", "claim_of", "proves"]

WINDOW = 300.0
"""Seconds that a signed time may be away from the daemon's clock, either way."""

_HEX = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{1,12}")
_SIGNATURES = 8
"""Signatures that one header may have: a forge that rotates its token sends two."""
_ENCODING = "latin-1"
"""Of headers: each byte is a letter."""


@dataclass(frozen=True, slots=True)
class Secret:
    """What a forge and this daemon share.

    Attributes:
        text: the secret as it was given, which is the key of an HMAC, and GitLab's plain token.
        key: the key that a signing token of GitLab (`whsec_…`) stands for; empty for other secrets.
    """

    text: bytes
    key: bytes = b""

    def __repr__(self) -> str:
        return "Secret(***)"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a delivery has to prove itself with. One of the three is not empty.

    Attributes:
        digest: HMAC of the body, in hex.
        token: the secret itself.
        signatures: HMACs of `prefix` and the body, in base64.
        prefix: what is signed before the body.
        at: the signed time, in seconds since 1970.
    """

    digest: bytes = b""
    token: bytes = b""
    signatures: tuple[bytes, ...] = ()
    prefix: bytes = b""
    at: int = 0

    def __repr__(self) -> str:
        return "Claim(***)"


def claim_of(forge: Forge, headers: Headers) -> Claim | None:
    """What `headers` claim; None where it could not be right, whatever the secrets and the body are."""
    match forge:
        case Forge.GITHUB:
            scheme, _, digest = only(headers, ("x-hub-signature-256",)).partition("=")
            return _digest(digest) if scheme == "sha256" else None
        case Forge.GITEA:
            return _digest(only(headers, ("x-forgejo-signature", "x-gitea-signature")))
        case Forge.GITLAB if "webhook-signature" in headers:
            return _signed(headers)
        case Forge.GITLAB:
            token = only(headers, ("x-gitlab-token",))
            return Claim(token=token.encode(_ENCODING)) if token else None


def proves(claim: Claim, secrets: Sequence[Secret], body: bytes, now: float) -> bool:
    """Whether one of `secrets` makes `claim` true of `body`; `now` is in seconds since 1970.

    All secrets are tried, and each comparison takes the same time, so that a guess learns nothing.
    """
    if claim.signatures and abs(now - claim.at) > WINDOW:
        return False
    found = False
    for secret in secrets:
        found |= _proves(claim, secret, body)
    return found


def _proves(claim: Claim, secret: Secret, body: bytes) -> bool:
    if claim.digest:
        return hmac.compare_digest(hmac.new(secret.text, body, hashlib.sha256).hexdigest().encode(), claim.digest)
    if claim.token:
        # Of digests, which are of one length whatever was sent.
        return hmac.compare_digest(hashlib.sha256(secret.text).digest(), hashlib.sha256(claim.token).digest())
    if not secret.key:
        return False
    made = base64.b64encode(hmac.new(secret.key, claim.prefix + body, hashlib.sha256).digest())
    found = False
    for signature in claim.signatures:
        found |= hmac.compare_digest(made, signature)
    return found


def _digest(text: str) -> Claim | None:
    return Claim(digest=text.encode()) if _HEX.fullmatch(text) else None


def _signed(headers: Headers) -> Claim | None:
    """By the rules of Standard Webhooks: several signatures, of which one has to be right, each with its version."""
    ident, at = only(headers, ("webhook-id",)), only(headers, ("webhook-timestamp",))
    named = [part.partition(",") for part in only(headers, ("webhook-signature",)).split()[:_SIGNATURES]]
    signatures = tuple(value.encode(_ENCODING) for version, _, value in named if version == "v1" and value)
    if not (ident and signatures and _TIME.fullmatch(at)):
        return None
    return Claim(signatures=signatures, prefix=f"{ident}.{at}.".encode(_ENCODING), at=int(at))
