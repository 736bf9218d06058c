"""The one place where a sign-in through a company meets the invitations of its organization."""

from dataclasses import dataclass

from accounts import invitations
from accounts.models import Invitation, Organization, User


@dataclass(frozen=True)
class OpenInvitation:
    """An invitation that still holds; who accepts it gets the role that it names."""

    invitation: Invitation

    def accept(self, user: User) -> None:
        """Raise invitations.NotOpen if it was used or withdrawn meanwhile."""
        invitations.accept_through(self.invitation, by=user)


def open_invitation(organization: Organization, email: str) -> OpenInvitation | None:
    """The open invitation of this organization that is bound to this address; None without one."""
    found = invitations.open_for(organization, email)
    return OpenInvitation(found) if found else None
