"""What a customer entrusts to us, so that the database alone does not give it away."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken


class SecretLost(Exception):
    """What was sealed cannot be read with this key."""


def box(key: str, purpose: str) -> Fernet:
    """A lock for one purpose, from a key of the house."""
    derived = hmac.digest(key.encode(), f"cairn.sso.{purpose}".encode(), hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(derived))


def seal(text: str, key: str) -> str:
    """The text as the database keeps it."""
    return box(key, "secret").encrypt(text.encode()).decode()


def unseal(sealed: str, key: str) -> str:
    """The text that was sealed with this key."""
    try:
        return box(key, "secret").decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise SecretLost from error
