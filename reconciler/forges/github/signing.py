"""Signing as an App of GitHub: a claim of a few minutes by its private key, which is in no message and kept nowhere."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

from reconciler.errors import Refused, Unusable

__all__ = ["check_cryptography", "signed"]

_SKEW = timedelta(seconds=60)
"""How far our clock may be ahead of GitHub's."""
_SIGNED_FOR = timedelta(minutes=9)
"""GitHub takes ten minutes at most."""


def check_cryptography() -> None:
    """That what signs is installed.

    Raises:
        Unusable: it is not.
    """
    try:
        import cryptography  # noqa: F401, PLC0415  only an App needs it
    except ImportError:
        hint = "install it with: pip install 'plumbline-gitops[github]'"
        raise Unusable(f"forge.app needs the package cryptography; {hint}") from None


def signed(app: int, key: str, now: datetime) -> str:
    """A claim to be the App (a JSON Web Token, RS256, RFC 7519), from a minute ago for ten.

    Raises:
        Refused: the key is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  only an App needs it
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        private = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Its words may have parts of the file.
        raise Refused("forge.app.keyFile holds no private key in PEM form without a password") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Refused("forge.app.keyFile holds a key that is not RSA: GitHub makes one on the App's page")
    claim = {"iat": _seconds(now - _SKEW), "exp": _seconds(now + _SIGNED_FOR), "iss": str(app)}
    text = b".".join(_packed(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claim))
    return b".".join((text, _packed(private.sign(text, padding.PKCS1v15(), SHA256())))).decode()


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _packed(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
