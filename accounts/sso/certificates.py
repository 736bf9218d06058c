"""Certificates of providers, as somebody pastes them: read, named, and until when they hold."""

import base64
import binascii
import re
import textwrap
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

LONGEST_TEXT = 20_000
SMALLEST_RSA = 2048


class CertificateRefused(ValueError):
    """What was pasted is no certificate that can be used; the message says why."""


@dataclass(frozen=True)
class Read:
    """A certificate, and what a person recognizes it by."""

    pem: str
    subject: str
    fingerprint: str
    begins_at: datetime
    ends_at: datetime


def read(text: str) -> Read:
    """The certificate in this text: PEM, or the same without its first and last line."""
    if len(text) > LONGEST_TEXT:
        raise CertificateRefused("This is too long for one certificate.")
    if text.count("-----BEGIN") > 1:
        raise CertificateRefused("Paste one certificate at a time.")
    if "PRIVATE KEY" in text:
        raise CertificateRefused("This is a private key. Keep it to yourself, and paste the certificate.")
    inner = re.sub(r"-----(BEGIN|END) CERTIFICATE-----|\s", "", text)
    try:
        found = x509.load_der_x509_certificate(base64.b64decode(inner, validate=True))
        key = found.public_key()
    except (ValueError, binascii.Error, TypeError) as error:
        raise CertificateRefused(
            "This is not a certificate. It begins with -----BEGIN CERTIFICATE-----."
        ) from error
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise CertificateRefused("The certificate must hold an RSA or EC key.")
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SMALLEST_RSA:
        raise CertificateRefused(
            f"The key of the certificate has {key.key_size} bits; at least {SMALLEST_RSA} are needed."
        )
    mark = found.fingerprint(hashes.SHA256()).hex()
    return Read(
        pem=found.public_bytes(serialization.Encoding.PEM).decode(),
        subject="".join(each for each in found.subject.rfc4514_string() if each.isprintable())[:200],
        fingerprint=":".join(textwrap.wrap(mark[:16].upper(), 2)),
        begins_at=found.not_valid_before_utc,
        ends_at=found.not_valid_after_utc,
    )
