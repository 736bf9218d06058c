"""The line in the audit log for what is done to an organization, under the hat it is done in."""

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.access import hat_of, installation_roles
from accounts.models import Action, Organization, User


def hat(by: User | None) -> str:
    """The installation role this person acts under; nothing for a command or a file."""
    return hat_of(installation_roles(by)) if by else ""


def record(action: Action, organization: Organization, *, by: User | None, **more: Any) -> None:
    """One line about this organization, in the transaction of the change."""
    audit.record(action, by=by, hat=hat(by), organization=organization, **more)


def locked(organization: Organization) -> Organization:
    """The same organization, kept from everybody else until the transaction ends."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("A lock outside a transaction holds nothing.")
    return Organization.ever.select_for_update(of=("self",)).get(pk=organization.pk)
