"""Customers, the products they own and the plans they are on over time."""

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now


class Plan(models.TextChoices):
    """A success plan; what each opens stands in accounts.access."""

    SIGNATURE = "signature", "Signature"
    PREMIER = "premier", "Premier"
    STANDARD = "standard", "Standard"


class Product(models.Model):
    """One product of the vendor; signals belong to at most one."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)

    def __str__(self) -> str:
        return self.name


class OpenOrganizations(models.Manager["Organization"]):
    """Those that are there: one that was merged into another is closed, and closed to everybody."""

    def get_queryset(self) -> models.QuerySet["Organization"]:
        return super().get_queryset().filter(closed_at=None)


class Organization(models.Model):
    """A customer company: the tenant of everything else."""

    slug = models.SlugField(max_length=80, unique=True)
    external_id = models.CharField(max_length=120, unique=True)  # its name in the vendor's own systems
    name = models.CharField(max_length=200)
    industry = models.CharField(max_length=80, blank=True)
    region = models.CharField(max_length=80, blank=True)
    # Purchased seats across supported products; decides the size of the peer group.
    seats = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    # Key of the scorecard that customers of this organization see (SCORING §13).
    scorecard = models.SlugField(max_length=60, default="customer-success")
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="affiliates"
    )
    products = models.ManyToManyField(Product, blank=True, related_name="organizations")
    # Day of the first measurement, kept by the packer: an organization's age counts from here or its plan.
    first_observed_on = models.DateField(null=True, blank=True)
    # Its people sign in with a second factor, or not at all; who comes through its own connection is exempt.
    demands_factor = models.BooleanField(default=False)
    # Its scores are among those that peers are compared with; whoever does not contribute does not see.
    contributes = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Closed for good; its slug and external id are never given again, its log and measurements stay.
    closed_at = models.DateTimeField(null=True, editable=False)
    merged_into = models.ForeignKey(
        "self", null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    opened: Any = None  # what the door learned about whoever opened it; accounts.access alone sets it

    objects = OpenOrganizations()
    ever = models.Manager["Organization"]()  # closed ones too: for names that are taken, and for the log

    class Meta:
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["scorecard"], name="organization_by_scorecard")]
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(closed_at__isnull=False),
                name="merged_organization_is_closed",
            )
        ]

    def __str__(self) -> str:
        return self.name


class RetiredSlug(models.Model):
    """The names of an organization that was deleted: nobody is ever given them again.

    Written and asked by the database itself (accounts.retirement), whoever deletes or creates.
    """

    slug = models.SlugField(max_length=80, unique=True)
    external_id = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=200)
    number = models.BigIntegerField()  # the id it had: lines of the audit log still carry it
    retired_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.slug


class OrganizationFact(models.Model):
    """Something that belongs to exactly one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)

    class Meta:
        abstract = True
        constraints = [
            # Links between facts of one tenant carry the organization (RECIPES §5).
            models.UniqueConstraint(fields=["organization", "id"], name="%(class)s_in_organization")
        ]


class PlanInterval(OrganizationFact):
    """Which plan from when to when: half-open, without overlap."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="plan_intervals")
    plan = models.CharField(max_length=20, choices=Plan)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)  # open end: runs until changed
    source = models.CharField(max_length=80, blank=True)  # who said so: a file, an admin

    class Meta(OrganizationFact.Meta):
        ordering = ["organization", "starts_at"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "starts_at"], name="plan_interval_starts_once"),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")),
                name="plan_interval_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_plan_display()} from {self.starts_at:%Y-%m-%d}"
