"""People who were asked to look on behalf of an organization, and have not come yet."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models.organizations import Organization, OrganizationFact
from accounts.models.people import Role, User

OFFERED = (Role.CONTACT, Role.TRAINING_ADMIN, Role.VIEWER, Role.PARTNER)  # no staff role by invitation


class Invitation(OrganizationFact):
    """An offer of a role, bound to one address; open until it is accepted or withdrawn, good for some days.

    Of the token only the digest is here: it stands in the mail and nowhere else.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField()  # lower case
    role = models.CharField(max_length=20, choices=Role)
    access_ends_at = models.DateTimeField(null=True, blank=True)  # a partner's
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    hat = models.CharField(max_length=20)  # the role it was made under: asked again when it is accepted
    digest = models.CharField(max_length=64, unique=True)  # sha256 of the token, hexadecimal
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta(OrganizationFact.Meta):
        ordering = ["-made_at", "-pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at=None, withdrawn_at=None),
                name="invitation_open_once",
            ),
            models.CheckConstraint(condition=Q(email=Lower("email")), name="invitation_in_lower_case"),
            models.CheckConstraint(condition=Q(role__in=OFFERED), name="invitation_to_a_customers_role"),
            models.CheckConstraint(
                condition=~Q(role="partner") | Q(access_ends_at__isnull=False),
                name="invited_partner_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("made_at")), name="invitation_expires_after_it_was_made"
            ),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | Q(withdrawn_at=None), name="invitation_ends_one_way"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.get_role_display()} of {self.organization}"
