"""Why a sign-in through a company did not work, each by its name and in words for the person who tried."""

from enum import StrEnum


class Why(StrEnum):
    """What went wrong; the value is what the contact and the log read."""

    NOT_STARTED = "The answer belongs to no sign-in that was started in this browser"
    TOO_LATE = "The sign-in took longer than ten minutes"
    MIXED_UP = "The answer came for another connection than the one that was asked"
    OTHER_PERSON = "Somebody else had signed in to the portal meanwhile"
    DENIED = "The provider refused: access_denied"
    PROVIDER_ERROR = "The provider answered with an error"
    UNREACHABLE = "The provider could not be asked"
    NO_CODE = "The answer has no code"
    CODE_REFUSED = "The provider did not take the code, the client id or the secret"
    SECRET_LOST = "The stored secret cannot be read any more; enter it again"  # noqa: S105
    TOKEN = "The answer has no readable id token"  # noqa: S105
    ALGORITHM = "The id token is signed in a way that is not accepted"
    KEY = "The key of the signature is not among the provider's keys"
    SIGNATURE = "The signature is wrong"
    UNSIGNED = "The assertion is not signed"
    ISSUER = "The issuer is another than the one that was entered"
    AUDIENCE = "The answer is meant for another application"
    RECIPIENT = "The answer is meant for another address"
    EXPIRED = "The answer has expired: compare the clocks"
    TOO_EARLY = "The answer is not valid yet: compare the clocks"
    NONCE = "The id token belongs to another sign-in"
    REQUEST = "The answer belongs to another request"
    CERTIFICATE = "No certificate of the connection is valid now"
    UNREADABLE = "The answer is not a readable SAML response"
    SUBJECT = "The answer does not say who it is, or with a name that changes every time"
    STALE = "The provider did not ask for the sign-in again"
    UNKNOWN_SUBJECT = "Nobody here is linked to this account of the provider"
    CHANGED_SUBJECT = "The provider names this person differently than before"
    TAKEN_SUBJECT = "Somebody else is linked to this account of the provider"
    STAFF = "People of the service do not sign in through a customer's provider"
    INACTIVE = "The person is deactivated"
    ENDED = "The person has no access to the organization any more"
    SWITCHED_OFF = "The connection is switched off"


# One sentence for whoever is not let in, whatever the reason: it says nothing of whom we know.
STRANGER = (
    "Your company has confirmed who you are, but this account opens nothing here. Ask the designated contact "
    "of your organization to invite you. If you have an account here already, sign in as before and link it "
    "under Your settings."
)
CLOCKS = (
    "The answer of your company's sign-in is not valid at this time. Try again; "
    "if it stays so, the clocks differ."
)
BROKEN = (
    "The answer of your company's sign-in could not be trusted, so nothing was opened. Tell the designated "
    "contact of your organization."
)
AGAIN = "This sign-in was not started in this browser, was used already, or took too long. Start again."

SAID: dict[Why, str] = {
    Why.NOT_STARTED: AGAIN,
    Why.TOO_LATE: AGAIN,
    Why.MIXED_UP: AGAIN,
    Why.REQUEST: AGAIN,
    Why.NONCE: AGAIN,
    Why.OTHER_PERSON: AGAIN,
    Why.DENIED: "Your company's sign-in refused: it does not let you use this portal, or you cancelled.",
    Why.PROVIDER_ERROR: "Your company's sign-in answered with an error. Try again in a while.",
    Why.UNREACHABLE: "Your company's sign-in cannot be reached now. Try again in a while.",
    Why.EXPIRED: CLOCKS,
    Why.TOO_EARLY: CLOCKS,
    Why.STALE: "Your company's sign-in did not ask who you are again. Sign out there, then try again.",
    Why.TAKEN_SUBJECT: "This account of your company is linked to somebody else here.",
    Why.UNKNOWN_SUBJECT: STRANGER,
    Why.CHANGED_SUBJECT: STRANGER,
    Why.STAFF: STRANGER,
    Why.INACTIVE: STRANGER,
    Why.ENDED: STRANGER,
}


class SignInFailed(Exception):
    """A sign-in that did not work: why, and what only the log should read."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why.value}{f' ({detail})' if detail else ''}.")
        self.why = why
        self.detail = detail

    @property
    def said(self) -> str:
        """What the person reads who tried."""
        return SAID.get(self.why, BROKEN)
