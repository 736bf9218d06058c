"""People and what they are to an organization."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models.organizations import Organization


class Role(models.TextChoices):
    """What a person is to one organization."""

    CONTACT = "contact", "Designated contact"
    TRAINING_ADMIN = "training_admin", "Training administrator"
    VIEWER = "viewer", "Viewer"
    PARTNER = "partner", "Partner"
    CSM = "csm", "Customer success manager"
    GUIDE = "guide", "Success guide"


class Team(models.Model):
    """Success managers and guides who work together; whoever leads it sees their portfolios."""

    name = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes people by e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A person needs an e-mail address; got an empty one.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **fields, is_admin=True, is_staff=True)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=True)
    # Works for the vendor: may be made success manager or guide, and needs a second factor.
    is_staff = models.BooleanField(default=False)
    # Installation roles: of the whole house, not of one organization; none includes another.
    is_admin = models.BooleanField(default=False)
    is_auditor = models.BooleanField(default=False)
    is_lead = models.BooleanField(default=False)  # of their team
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="people")
    # Copied into a session at sign-in: raised, every session of the person has ended (accounts.epochs).
    auth_epoch = models.PositiveIntegerField(default=0)
    language = models.CharField(max_length=12, blank=True)  # as in en, pt-br; empty until the first sign-in
    time_zone = models.CharField(max_length=64, default="UTC")  # as in Europe/Lisbon
    # Opened last, to be offered first; what may be offered is still asked at the door.
    last_organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    is_viewing_in_english = False  # for this visit, whatever the language; portal.middleware alone sets it
    # The organization whose pages this member of staff sees as its contact would; portal.seeing alone sets it
    sees_as_customer: int | None = None
    impersonated_by: "User | None" = None  # who really asks; accounts.impersonation alone sets it
    # The one organization a session opens that came through its connection; portal.company alone sets it.
    confined_to: int | None = None

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_whatever_the_case"),
            models.CheckConstraint(
                condition=Q(is_staff=True) | Q(is_admin=False, is_auditor=False, is_lead=False),
                name="installation_roles_are_for_staff",
            ),
            models.CheckConstraint(
                condition=Q(is_lead=False) | Q(team__isnull=False), name="lead_has_a_team"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """What a person is to an organization, from when until when."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)  # in addresses and forms
    role = models.CharField(max_length=20, choices=Role)
    starts_at = models.DateTimeField(default=timezone.now)  # to come: a hand-over; opens nothing before it
    ends_at = models.DateTimeField(null=True, blank=True)  # a partner's access, a hand-over

    wall = "own"  # accounts.isolation.policies.KINDS

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user", "role"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gte=F("starts_at")), name="membership_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(role="partner") | Q(ends_at__isnull=False), name="partner_has_an_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.get_role_display()} of {self.organization}"
