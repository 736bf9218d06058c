"""What holds for the whole house: where it stands, who runs it, whom to ask. Links in mails begin here.

What an administrator has entered wins; what is empty is as the environment says.
"""

import smtplib
import socket
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import DatabaseError, transaction
from django.http.request import split_domain_port, validate_host
from django.template.loader import render_to_string

from accounts import audit
from accounts.access import ADMIN
from accounts.models import Action, Installation, User

FIELDS = ("site_address", "vendor_name", "support_email", "operator_email")
LINES = ("has_reference_lines", "reference_top", "reference_average")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
LONGEST_NAME = 80


class SettingRefused(ValueError):
    """A value that cannot be right; names the field and the value."""

    def __init__(self, field: str, value: str, why: str) -> None:
        super().__init__(why)
        self.field = field
        self.value = value


class MailFailed(Exception):
    """The mail server did not take a letter; says what it answered."""


@dataclass(frozen=True)
class House:
    """What holds now."""

    site_address: str
    vendor_name: str
    support_email: str
    operators: tuple[str, ...]
    lines: "ReferenceLines | None" = None  # what customers see beside their peers, once it is switched on


# What this request was told already; None outside of one, where every question is asked anew.
_told: ContextVar[list[House] | None] = ContextVar("told", default=None)


@contextmanager
def asked_once() -> Generator[None]:
    """Inside, the database is asked once what holds: for as long as a request lasts."""
    token = _told.set([])
    try:
        yield
    finally:
        _told.reset(token)


def current() -> House:
    """What holds now; the environment's alone when the database does not answer."""
    told = _told.get()
    if told:
        return told[0]
    try:
        kept = Installation.objects.filter(pk=Installation.ONE).first()
    except DatabaseError:
        return _house(Installation())  # not remembered: it may answer again
    house = _house(kept or Installation())
    if told is not None:
        told.append(house)
    return house


def _house(kept: Installation) -> House:
    return House(
        site_address=kept.site_address or settings.SITE_ADDRESS,
        vendor_name=kept.vendor_name or settings.VENDOR_NAME,
        support_email=kept.support_email or settings.SUPPORT_EMAIL,
        operators=tuple(_listed(kept.operator_email)) or tuple(settings.ADMINS),
        lines=ReferenceLines(kept.reference_top, kept.reference_average)
        if kept.has_reference_lines
        else None,
    )


def entered() -> dict[str, str]:
    """What administrators have entered, by field; empty where the environment decides."""
    kept = Installation.objects.filter(pk=Installation.ONE).first() or Installation()
    return {field: getattr(kept, field) for field in FIELDS}


def of_environment() -> dict[str, str]:
    """What holds where nothing is entered, by field."""
    return {
        "site_address": settings.SITE_ADDRESS,
        "vendor_name": settings.VENDOR_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "operator_email": ", ".join(settings.ADMINS),
    }


def link(path: str) -> str:
    """The whole address of a page, for a mail: never from what a request calls us."""
    return current().site_address + path


def from_here(url: str) -> str:
    """The same page, at our own address."""
    parts = urlsplit(url)
    return link(parts.path + (f"?{parts.query}" if parts.query else ""))


def tell_operators(subject: str, message: str) -> None:
    """A letter to each of those who run the house."""
    for address in current().operators:
        send_mail(f"{settings.PRODUCT_NAME}: {subject}", message, None, [address])


@dataclass(frozen=True)
class ReferenceLines:
    """Two levels beside the peers, and what must be said with them."""

    top: int
    average: int

    @property
    def values(self) -> tuple[int, int]:
        return self.average, self.top

    @property
    def text(self) -> str:
        return (
            f"Dashed: {self.average} average and {self.top} top quartile, an unattributed industry reference."
        )


def entered_lines() -> dict[str, bool | int]:
    """What administrators have entered, drawn or not."""
    kept = Installation.objects.filter(pk=Installation.ONE).first() or Installation()
    return {field: getattr(kept, field) for field in LINES}


@transaction.atomic
def draw_lines(values: Mapping[str, bool | int], *, by: User) -> bool:
    """Keep the two levels and whether they are drawn; whether anything is new.

    raises  SettingRefused for a level that is no score, or two that are not in order
    """
    for field in ("reference_top", "reference_average"):
        if not 0 <= values[field] <= 100:
            raise SettingRefused(field, str(values[field]), "Enter a whole number from 0 to 100.")
    if values["reference_average"] >= values["reference_top"]:
        why = "The top quartile must be above the average."
        raise SettingRefused("reference_top", str(values["reference_top"]), why)
    kept = locked()
    before = {field: getattr(kept, field) for field in LINES}
    changed = [field for field in LINES if values[field] != before[field]]
    for field in changed:
        setattr(kept, field, values[field])
    if changed:
        kept.save(update_fields=changed)
        if told := _told.get():
            told.clear()
        audit.record(
            Action.INSTALLATION_CHANGED,
            by=by,
            hat=ADMIN,
            target=kept,
            before={field: before[field] for field in changed},
            after={field: values[field] for field in changed},
        )
    return bool(changed)


def reference_lines() -> ReferenceLines | None:
    """What customers see beside their peers; None where no administrator has switched it on."""
    return current().lines


@transaction.atomic
def change(values: Mapping[str, str], *, by: User | None = None) -> bool:
    """Keep what was entered; whether anything is new.

    raises  SettingRefused naming the first field that cannot be right
    """
    clean = {field: CLEAN[field](value) for field, value in values.items()}
    kept = locked()
    before = {field: getattr(kept, field) for field in clean}
    changed = [field for field in clean if clean[field] != before[field]]
    if not changed:
        return False
    for field in changed:
        setattr(kept, field, clean[field])
    kept.save(update_fields=changed)
    if told := _told.get():
        told.clear()
    audit.record(
        Action.INSTALLATION_CHANGED,
        by=by,
        hat=ADMIN if by else "",
        target=kept,
        before={field: before[field] for field in changed},
        after={field: clean[field] for field in changed},
    )
    return True


def locked() -> Installation:
    """The row, held until the transaction ends; made if it is not there yet."""
    Installation.objects.bulk_create([Installation(pk=Installation.ONE)], ignore_conflicts=True)
    return Installation.objects.select_for_update().get(pk=Installation.ONE)


# ---------- mail ----------


def mail_server() -> str:
    """Where mail goes, in words, without its password."""
    options = settings.MAILERS["default"].get("OPTIONS", {})
    if "file_path" in options:
        return "files on this machine, for no mail server is set"
    if "host" not in options:
        return "nowhere outside: this is a test"
    safe = "TLS" if options["use_ssl"] else "STARTTLS" if options["use_tls"] else "no encryption"
    return f"{options['host']}, port {options['port']}, {safe}"


def send_test_mail(to: str) -> None:
    """A letter that says that mail works.

    raises  SettingRefused for an address that is none, MailFailed with what the server answered
    """
    address = _one_address("test_email", to)
    if not address:
        raise SettingRefused("test_email", to, "Enter the address that the test mail should go to.")
    house = current()
    context = {"product": settings.PRODUCT_NAME, "vendor": house.vendor_name, "address": house.site_address}
    subject = " ".join(render_to_string("email/test_subject.txt", context).split())
    try:
        send_mail(subject, render_to_string("email/test_message.txt", context), None, [address])
    except (smtplib.SMTPException, OSError) as error:
        raise MailFailed(in_words(error)) from error


def in_words(error: Exception) -> str:
    """What went wrong with a mail server, and what to look at."""
    said = _answer(error)
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"The mail server refused the name or password of EMAIL_URL. It said: {said}"
        case smtplib.SMTPSenderRefused():
            return f"The mail server refused the sender of EMAIL_FROM. It said: {said}"
        case smtplib.SMTPRecipientsRefused():
            return f"The mail server refused the recipient. It said: {said}"
        case smtplib.SMTPNotSupportedError():
            return f"The mail server cannot do what EMAIL_URL asks for: {said}"
        case ssl.SSLError():
            return f"No secure connection: {said} Does EMAIL_URL name the right scheme and port?"
        case socket.gaierror():
            return "The name of the mail server in EMAIL_URL is not known here."
        case TimeoutError():
            return "The mail server did not answer in time. Is the port of EMAIL_URL open from here?"
        case ConnectionRefusedError():
            return "Nothing listens where EMAIL_URL points: the connection was refused."
        case _:
            return f"The letter was not sent. The answer was: {said}"


def _answer(error: Exception) -> str:
    """The server's own words, printable."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _said(*next(iter(error.recipients.values())))
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return audit.printable(str(error) or type(error).__name__, 300)


def _said(code: int, text: bytes | str) -> str:
    return audit.printable(
        f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}", 300
    )


# ---------- what can be right ----------


def _site_address(value: str) -> str:
    """An origin of ours, without a slash at its end."""
    address = value.strip().rstrip("/")
    if not address:
        return ""

    def refused(why: str) -> SettingRefused:
        return SettingRefused("site_address", value, why)

    try:
        parts = urlsplit(address)
        known_port = parts.port
    except ValueError:
        raise refused("This is not an address. Write it as https://score.example.com.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refused("This is not an address. Write it as https://score.example.com.")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise refused("Only the beginning of the address belongs here, as in https://score.example.com.")
    host, _ = split_domain_port(parts.netloc.lower())
    if parts.scheme != "https" and (settings.PRODUCTION or host not in LOOPBACK):
        raise refused("The address must begin with https://.")
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        allowed = ", ".join(settings.ALLOWED_HOSTS)
        raise refused(f"{host or parts.netloc} is not served here. ALLOWED_HOSTS names {allowed}.")
    return f"{parts.scheme}://{host}" + (f":{known_port}" if known_port else "")


def _vendor_name(value: str) -> str:
    name = value.strip()
    if not name.isprintable():
        raise SettingRefused("vendor_name", value, "A name has one line, without control characters.")
    if len(name) > LONGEST_NAME:
        raise SettingRefused("vendor_name", value, f"At most {LONGEST_NAME} characters, not {len(name)}.")
    return name


def _one_address(field: str, value: str) -> str:
    address = value.strip()
    if not address:
        return ""
    try:
        validate_email(address)
    except ValidationError:
        raise SettingRefused(field, value, f"“{address[:80]}” is not an e-mail address.") from None
    return address


def _support_email(value: str) -> str:
    return _one_address("support_email", value)


def _operator_email(value: str) -> str:
    addresses = [_one_address("operator_email", each) for each in _listed(value)]
    if len(joined := ", ".join(addresses)) > 1000:
        raise SettingRefused("operator_email", value, "These are too many addresses.")
    return joined


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


CLEAN = {
    "site_address": _site_address,
    "vendor_name": _vendor_name,
    "support_email": _support_email,
    "operator_email": _operator_email,
}
