"""Saved plans: which actions, by whom and when, and where the score would land. On screen: a plan."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Organization, OrganizationFact, User
from recommendations.models.advice import Recommendation


class Roadmap(OrganizationFact):
    """A set of actions with owners and dates, and the score the engine gave for it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="roadmaps")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scorecard = models.SlugField(max_length=60)
    name = models.CharField(max_length=120)
    target = models.PositiveSmallIntegerField(null=True)  # whole points
    by_on = models.DateField(null=True)
    budget_days = models.DecimalField(max_digits=6, decimal_places=1, null=True)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    start_on = models.DateField()  # the day of the score it starts from
    start_points = models.PositiveSmallIntegerField()  # hundredths
    projected = models.PositiveSmallIntegerField()  # hundredths, as it was saved
    # What the newest night makes of it.
    checked_on = models.DateField(null=True)
    checked_points = models.PositiveSmallIntegerField(null=True)  # the score then
    checked_projected = models.PositiveSmallIntegerField(null=True)  # where it would land now
    news = models.JSONField(default=list)  # what changed since it was saved, in words
    shared_at = models.DateTimeField(null=True)  # with the success manager
    shared_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    shared_note = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    edition = models.PositiveIntegerField(default=1)

    class Meta(OrganizationFact.Meta):
        ordering = ["-made_at", "-pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.CheckConstraint(
                condition=Q(target=None) | Q(target__lte=100), name="roadmap_target_is_points"
            ),
            models.CheckConstraint(
                condition=Q(start_points__lte=10_000, projected__lte=10_000), name="roadmap_scores_are_points"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RoadmapItem(OrganizationFact):
    """One action of a roadmap."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="roadmap_items")
    roadmap = models.ForeignKey(Roadmap, on_delete=models.CASCADE, related_name="items")
    recommendation = models.ForeignKey(Recommendation, on_delete=models.CASCADE, related_name="roadmap_items")
    position = models.PositiveSmallIntegerField()
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    due_on = models.DateField(null=True)
    target = models.PositiveSmallIntegerField()  # of the signal, hundredths, as it was saved
    gain = models.SmallIntegerField()  # of the overall score when it is added in this order, hundredths

    class Meta(OrganizationFact.Meta):
        ordering = ["position"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(fields=["roadmap", "recommendation"], name="roadmap_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.recommendation}"
