"""Signing in as a person does, and an authenticator app of our own: RFC 6238 in a few lines."""

import base64
import hashlib
import hmac
import re
import struct
import time

from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_of(secret: str, *, steps: int = 0) -> str:
    """The six digits that an app shows now, or so many half-minutes from now."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def give_app(user: User, secret: str = SECRET) -> None:
    """The person has an authenticator app with this secret."""
    TOTP.activate(user, secret)


def sign_in(client: Client, user: User, password: str = PASSWORD, **fields: str):
    """What the sign-in page answers to this person's address and password."""
    return client.post("/sign-in/", {"login": user.email, "password": password, **fields})


def half_way(user: User) -> Client:
    """Somebody who has given this person's password, and owes the factor."""
    client = Client()
    assert sign_in(client, user).url == "/sign-in/factor/"
    return client


def show(client: Client, code: str):
    return client.post("/sign-in/factor/", {"code": code})


def enters(client: Client) -> bool:
    """Whether somebody is signed in there, with every door open that their role opens."""
    return client.get("/orgs/").status_code == 200


def link_in(message) -> str:
    """The path of the link in a mail."""
    return re.search(r"https?://[^/\s]+(/\S+)", message.body).group(1)
