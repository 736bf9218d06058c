"""The first run of a real installation: its first administrator, by whoever can read the server's log."""

import base64

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import audit
from accounts.contacts import add_person
from accounts.installation import change, locked
from accounts.models import Action, Installation, User

LONGEST_NAME = 120


class AlreadySetUp(Exception):
    """There is, or was, an administrator: others are added from inside."""


class AdministratorRefused(ValueError):
    """The first administrator cannot be made so; by field, what is wrong."""

    def __init__(self, problems: dict[str, list[str]]) -> None:
        super().__init__(" ".join(" ".join(said) for said in problems.values()))
        self.problems = problems


def is_due() -> bool:
    """Whether nobody has set the house up yet, and nobody administers it."""
    if User.objects.filter(is_admin=True).exists():
        return False
    return not Installation.objects.filter(pk=Installation.ONE, set_up_at__isnull=False).exists()


def is_administrator(email: str) -> bool:
    """Whether this address is that of an administrator."""
    return User.objects.filter(email__iexact=email.strip(), is_admin=True).exists()


def code() -> str:
    """What shows that somebody can read what the server says: 100 bits that follow from the secret key."""
    digest = salted_hmac("accounts.setup", "the first administrator", algorithm="sha256").digest()
    letters = base64.b32encode(digest).decode()[:20]
    return "-".join(letters[at : at + 5] for at in range(0, 20, 5))


def is_code(text: str) -> bool:
    """Whether this is the code, however it was typed; a wrong one is written down."""
    typed = "".join(each for each in text.upper() if each.isalnum() and each.isascii())
    if constant_time_compare(typed, code().replace("-", "")):
        return True
    audit.refused(
        Action.INSTALLATION_CHANGED,
        reason="The code of the first run is not right.",
        once=(audit.MINUTE, "code"),
    )
    return False


def set_up(*, email: str, name: str, password: str, house: dict[str, str]) -> User:
    """The first administrator, and the house as they want it: all of it or nothing.

    raises  AlreadySetUp, AdministratorRefused, SettingRefused
    """
    check_administrator(email=email, name=name, password=password)
    with transaction.atomic():
        kept = locked()  # two at once: the second waits here and then finds an administrator
        if not is_due():
            raise AlreadySetUp("There is an administrator already.")
        user = add_person(email.strip(), password=password, name=name.strip(), is_admin=True)
        change(house)
        kept.refresh_from_db()
        kept.set_up_at = timezone.now()
        kept.save(update_fields=["set_up_at"])
        return user


def check_administrator(*, email: str, name: str, password: str) -> None:
    """Nothing; raise AdministratorRefused with everything that is wrong at once."""
    problems: dict[str, list[str]] = {}
    try:
        validate_email(email.strip())
    except ValidationError:
        problems["email"] = [f"“{email[:80]}” is not an e-mail address."]
    if not name.strip():
        problems["name"] = ["Enter the name that others should see."]
    elif len(name.strip()) > LONGEST_NAME or not name.strip().isprintable():
        problems["name"] = [f"A name has one line and at most {LONGEST_NAME} characters."]
    try:
        validate_password(password, User(email=email.strip(), name=name.strip()))
    except ValidationError as error:
        problems["password"] = list(error.messages)
    if problems:
        raise AdministratorRefused(problems)
