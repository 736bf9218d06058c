"""What an organization wants of its score: targets with a day, and signals that matter less to it.

Rows are never changed but by their end: what was wanted, by whom and from when, stays readable.
"""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models.organizations import Organization, OrganizationFact
from accounts.models.people import User


class Goal(OrganizationFact):
    """Something about one node of one scorecard that somebody said, and that holds until it is ended."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scorecard = models.SlugField(max_length=60)  # its key: another scorecard has other nodes
    node = models.CharField(max_length=200)
    set_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    set_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta(OrganizationFact.Meta):
        abstract = True
        ordering = ["-set_at", "-pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "scorecard", "node"],
                condition=Q(ended_at=None),
                name="%(class)s_stands_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("set_at")),
                name="%(class)s_ends_after_it_is_set",
            ),
        ]


class Target(Goal):
    """Where the overall score, a category or a signal is to be on a day."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="targets")
    value = models.PositiveSmallIntegerField()  # whole points, 0 to 100
    due_on = models.DateField()
    # What the page showed when it was set, in hundredths: later data must not move the start of a path.
    start_points = models.PositiveSmallIntegerField()
    start_on = models.DateField()  # the day that number is of

    class Meta(Goal.Meta):
        constraints = [
            *Goal.Meta.constraints,
            models.CheckConstraint(condition=Q(value__lte=100), name="target_is_points"),
            models.CheckConstraint(condition=Q(start_points__lte=10_000), name="target_starts_at_points"),
            models.CheckConstraint(condition=Q(due_on__gt=F("start_on")), name="target_is_due_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.node}: {self.value} by {self.due_on}"


class Matters(models.TextChoices):
    """How much a signal matters to an organization, when it is not as much as the scorecard says."""

    LESS = "less", "Matters less"
    NOT = "not", "Does not matter to us"


class Emphasis(Goal):
    """A signal that matters less to the organization than the scorecard says, and why."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="emphases")
    matters = models.CharField(max_length=10, choices=Matters)
    reason = models.CharField(max_length=300)

    class Meta(Goal.Meta):
        constraints = [
            *Goal.Meta.constraints,
            models.CheckConstraint(condition=Q(matters__in=["less", "not"]), name="emphasis_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.node}: {self.get_matters_display()}"
