"""The letters that an install without a mail server has written to files, read back. Sends nothing."""

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

NEWEST = 100  # files: a demo writes few, and a page is no archive
LARGEST = 256 * 1024  # bytes read of one file
BETWEEN = b"\n" + b"-" * 79 + b"\n"  # what Django's file backend writes after each letter


@dataclass(frozen=True)
class Letter:
    """One mail, as it would have been sent."""

    sent_at: datetime
    sender: str
    to: str
    subject: str
    text: str


def is_kept() -> bool:
    """Whether mail goes to files here, and not to a mail server."""
    return "file_path" in settings.MAILERS["default"].get("OPTIONS", {})


def letters() -> list[Letter]:
    """The newest letters, newest first. Only files in the folder itself, found by no name from outside."""
    return [letter for path in _files()[:NEWEST] for letter in reversed(_read(path))]


def _files() -> list[Path]:
    folder = Path(settings.MAILERS["default"]["OPTIONS"]["file_path"])
    if not folder.is_dir():
        return []
    mail = [path for path in folder.glob("*.log") if path.is_file() and not path.is_symlink()]
    return sorted(mail, key=lambda path: path.name, reverse=True)  # a name begins with its time


def _read(path: Path) -> list[Letter]:
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with path.open("rb") as file:
        content = file.read(LARGEST)
    return [_letter(part, written) for part in content.split(BETWEEN) if part.strip()]


def _letter(content: bytes, written: datetime) -> Letter:
    message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    return Letter(
        sent_at=getattr(message["date"], "datetime", None) or written,
        sender=str(message["from"] or ""),
        to=str(message["to"] or ""),
        subject=str(message["subject"] or ""),
        text=body.get_content() if body else "",
    )
