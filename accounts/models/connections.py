"""How an organization's people sign in through their own company, and which account there is whose here."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models.organizations import Organization, OrganizationFact
from accounts.models.people import User


class Connection(OrganizationFact):
    """One organization's way to sign in through its own identity provider."""

    class Kind(models.TextChoices):
        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML 2.0"

    class State(models.TextChoices):
        DRAFT = "draft", "Not switched on yet"
        ON = "on", "On"
        OFF = "off", "Off"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="connections")
    # In every address of the connection; known to whoever signs in through it, guessed by nobody.
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=80)  # what its people call it
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    is_required = models.BooleanField(default=False)  # no other way in, but for the break-glass contact
    break_glass = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    issuer = models.CharField(max_length=500, blank=True)  # OpenID Connect
    client_id = models.CharField(max_length=255, blank=True)
    sealed_secret = models.TextField(blank=True)  # accounts.sso.secret; never shown again
    entity_id = models.CharField(max_length=500, blank=True)  # SAML
    sso_url = models.CharField(max_length=500, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    tested_at = models.DateTimeField(null=True, blank=True)  # a sign-in that worked since the last change
    last_used_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True)

    class Meta(OrganizationFact.Meta):
        ordering = ["organization", "pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state="on"), name="connection_on_once"
            ),
            models.CheckConstraint(
                condition=Q(is_required=False) | Q(state="on", break_glass__isnull=False),
                name="connection_required_is_on_with_break_glass",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Certificate(OrganizationFact):
    """A certificate of a SAML provider; several overlap while the provider changes from one to the next."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="certificates")
    pem = models.TextField()
    subject = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=40)  # the beginning of SHA-256
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta(OrganizationFact.Meta):
        ordering = ["-ends_at", "pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "connection", "fingerprint"], name="certificate_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} until {self.ends_at:%Y-%m-%d}"


class Identity(OrganizationFact):
    """Who somebody at the provider is here: (connection, subject), never an e-mail address."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="identities")
    subject = models.CharField(max_length=255)  # as the provider says it, to the letter
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta(OrganizationFact.Meta):
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "connection", "subject"], name="identity_subject_once"
            ),
            models.UniqueConstraint(fields=["organization", "connection", "user"], name="identity_user_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} through {self.connection}"
