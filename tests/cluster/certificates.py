"""The certificates of one cluster: one authority, and whom it names. A month long.

No cluster lives longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.cluster.layout import Instance

LIFE = timedelta(days=30)
EARLIER = timedelta(hours=1)
"""Clocks in pods are this machine's, and may step back a little."""


@dataclass(frozen=True)
class Subject:
    """Whom a certificate names: a user with groups, and the names and addresses at which it serves."""

    user: str
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


def make(instance: Instance) -> None:
    """Make the authority, the certificates of every component, and the key that signs service accounts' tokens."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    _write(instance.certificate("ca"), _authority(authority_key), authority_key)
    for name, subject in subjects(instance).items():
        sign(instance, name, subject)
    key = ec.generate_private_key(ec.SECP256R1())
    public, private = instance.certificate("service-accounts")
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    _secret(private, key)


def subjects(instance: Instance) -> dict[str, Subject]:
    """Everyone who is there from the start. `system:masters` may do everything, also without a role."""
    masters = ("system:masters",)
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    return {
        "apiserver": Subject(
            "kube-apiserver", (), (*names, "localhost"), (instance.node, instance.first_service, "127.0.0.1")
        ),
        "kubelet-client": Subject("kube-apiserver-kubelet-client", masters),
        "admin": Subject("admin", masters),
        "node": Subject("system:node:node", ("system:nodes",), ("node",), (instance.node,)),
        "kube-controller-manager": Subject("system:kube-controller-manager"),
        "kube-scheduler": Subject("system:kube-scheduler"),
        "kube-proxy": Subject("system:kube-proxy"),
        "coredns": Subject("coredns", masters),
    }


def sign(instance: Instance, name: str, subject: Subject) -> tuple[Path, Path]:
    """Make a certificate of `subject` under `name`; the files are given back."""
    certificate, private = instance.certificate("ca")
    authority = x509.load_pem_x509_certificate(certificate.read_bytes())
    authority_key = load_pem_private_key(private.read_bytes(), None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in subject.groups]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, subject.user))
    built = _builder(x509.Name(attributes), authority.subject, key).add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
    )
    served: list[x509.GeneralName] = [x509.DNSName(item) for item in subject.names]
    served += [x509.IPAddress(ip_address(item)) for item in subject.addresses]
    if served:
        built = built.add_extension(x509.SubjectAlternativeName(served), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    signed = built.add_extension(identifier, critical=False).sign(authority_key, hashes.SHA256())
    files = instance.certificate(name)
    _write(files, signed, key)
    return files


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "plumbline-test")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    # Python's TLS asks an authority for both identifiers and its key usage (VERIFY_X509_STRICT, from 3.13).
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + LIFE)
    )


def _write(files: tuple[Path, Path], certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    files[0].parent.mkdir(parents=True, exist_ok=True)
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    _secret(files[1], key)


def _secret(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
