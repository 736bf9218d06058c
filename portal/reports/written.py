"""That somebody took a copy is written down, where the customer reads who looked."""

from accounts import audit
from accounts.access import ADMIN, hat_of, installation_roles
from accounts.models import Action, Organization, User


def taken(organization: Organization, file: str, *, by: User) -> None:
    """A file of one organization."""
    hat = hat_of(organization.opened.own_roles)
    audit.record(Action.SCORE_EXPORTED, by=by, hat=hat, organization=organization, after={"file": file})


def portfolio_taken(lines: int, form: str, *, by: User) -> None:
    """A file of everything that somebody looks after."""
    hat = ADMIN if ADMIN in installation_roles(by) else ""
    audit.record(Action.PORTFOLIO_EXPORTED, by=by, hat=hat, after={"lines": lines, "file": form})
