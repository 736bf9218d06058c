"""What a provider says of the person who signed in there."""

from dataclasses import dataclass
from datetime import datetime

LONGEST_SUBJECT, LONGEST_EMAIL, LONGEST_NAME = 255, 254, 80


@dataclass(frozen=True)
class Claims:
    """Who it is at the provider; the address is a claim that alone proves nothing here."""

    subject: str
    email: str = ""
    name: str = ""
    signed_in_at: datetime | None = None  # when the provider last asked for it, if it says


@dataclass(frozen=True)
class Finding:
    """One thing that was checked about a connection before anybody uses it."""

    is_fine: bool
    title: str
    text: str = ""
    is_warning: bool = False  # works now, but needs a look
