"""Plays addressed to organizations, and everything that was done with them.

`recommendations.lifecycle` is the only writer of a status; the order of the model and of people are apart.
"""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Organization, OrganizationFact, ReviewRequest, User
from recommendations.models.playbook import PlaybookVersion

LONGEST_NOTE = 1000


class Status(models.TextChoices):
    """Where a recommendation stands; Verified is a mark beside Complete, not a status."""

    NEW = "new", "New"
    IN_PROGRESS = "in_progress", "In Progress"
    COMPLETE = "complete", "Complete"
    ARCHIVED = "archived", "Archived"


class Horizon(models.TextChoices):
    """When the signal can show it."""

    SHORT = "short", "Short term"  # up to 30 days
    MEDIUM = "medium", "Medium term"  # up to 90
    LONG = "long", "Long term"


class Recommendation(OrganizationFact):
    """One play for one organization, or what a success manager wrote for it alone.

    There is one of each play: what comes back comes back in the same row, with its history.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="recommendations")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    scorecard = models.SlugField(max_length=60)
    signal = models.CharField(max_length=160)  # node of the signal it moves
    category = models.SlugField(max_length=60)  # of the signal, for filters
    product = models.CharField(max_length=40, blank=True)
    play = models.SlugField(max_length=80, blank=True)  # empty: written by one of ours
    playbook = models.ForeignKey(PlaybookVersion, null=True, on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    # Words as shown. Empty own words: those of the play.
    title = models.CharField(max_length=120)
    own_text = models.CharField(max_length=2000, blank=True)
    reworded_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    # Where it stands.
    status = models.CharField(max_length=12, choices=Status, default=Status.NEW)
    status_at = models.DateTimeField()
    status_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # else: night
    archived_reason = models.CharField(max_length=300, blank=True)
    edition = models.PositiveIntegerField(default=1)  # raised by every change of a person: no edit is lost

    # What the night says: why, from where to where, and what it would bring, in hundredths of points.
    why = models.JSONField(default=dict)  # what fired: threshold, trend, peers, with their numbers
    facts = models.CharField(max_length=64, blank=True)  # digest of what fired; another one is news
    points = models.PositiveSmallIntegerField(null=True)
    target = models.PositiveSmallIntegerField(null=True)
    gain = models.SmallIntegerField(null=True)  # of the overall score
    effects = models.JSONField(default=dict)  # node: [before, after]
    not_estimated = models.CharField(max_length=200, blank=True)  # why there is no gain
    effort_days = models.DecimalField(max_digits=5, decimal_places=1)
    horizon = models.CharField(max_length=8, choices=Horizon)
    probability = models.FloatField(null=True)  # that it keeps its promise; learned: the share to expect
    priority = models.FloatField(null=True)  # gain × probability / effort
    model_rank = models.PositiveSmallIntegerField(null=True)  # 1 is first
    suggested_on = models.DateField()
    refreshed_on = models.DateField(null=True)  # the newest night that looked at it

    # The hand of people, kept apart from the model's order.
    pinned_at = models.DateTimeField(null=True)
    pinned_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveSmallIntegerField(null=True)  # where one of ours has put it
    hidden_at = models.DateTimeField(null=True)
    hidden_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    # The review it is part of: how Premier gets it. Without a constraint: when organizations are merged a
    # request moves to the one that stays, and would take this along.
    review = models.ForeignKey(
        ReviewRequest,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="recommendations",
    )
    owner = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    due_on = models.DateField(null=True)
    tags = models.JSONField(default=list)

    # What became of it, in hundredths.
    started_on = models.DateField(null=True)
    completed_on = models.DateField(null=True)
    completed_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    points_before = models.PositiveSmallIntegerField(null=True)  # of the signal when work began
    promised = models.SmallIntegerField(null=True)  # the gain that was shown when work began
    brought = models.SmallIntegerField(null=True)  # of the overall score, by this signal alone
    brought_on = models.DateField(null=True)
    verified_on = models.DateField(null=True)
    nights_held = models.PositiveSmallIntegerField(default=0)  # in a row at the target
    nights_below = models.PositiveSmallIntegerField(default=0)  # in a row below target − 5
    counted_on = models.DateField(null=True)  # the newest night that counted

    class Meta(OrganizationFact.Meta):
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["organization", "status"], name="recommendation_by_status"),
            models.Index(fields=["play", "completed_on"], name="recommendation_by_outcome"),
        ]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "scorecard", "play"],
                condition=~Q(play=""),
                name="recommendation_of_a_play_once",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["new", "in_progress", "complete", "archived"]),
                name="recommendation_status_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="archived") | ~Q(archived_reason=""),
                name="recommendation_archived_with_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(status="complete") | Q(completed_on__isnull=False),
                name="recommendation_complete_since_a_day",
            ),
            models.CheckConstraint(
                condition=Q(verified_on=None) | Q(status="complete"),
                name="recommendation_verified_if_complete",
            ),
            models.CheckConstraint(
                condition=Q(target=None) | Q(target__lte=10_000), name="recommendation_target_is_points"
            ),
            models.CheckConstraint(condition=Q(effort_days__gt=0), name="recommendation_takes_effort"),
            models.CheckConstraint(
                condition=Q(completed_on=None) | Q(started_on=None) | Q(completed_on__gte=F("started_on")),
                name="recommendation_completed_after_started",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Favorite(OrganizationFact):
    """A person's star; it says nothing about the status, and nobody else sees it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="favorites")
    recommendation = models.ForeignKey(Recommendation, on_delete=models.CASCADE, related_name="favorites")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="favorites")
    at = models.DateTimeField()

    class Meta(OrganizationFact.Meta):
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(fields=["recommendation", "user"], name="favorite_once_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.recommendation}"


class Change(models.TextChoices):
    """What can happen to a recommendation."""

    SUGGESTED = "suggested", "Suggested"
    ADDED = "added", "Added"
    MOVED = "moved", "Status"
    NOTED = "noted", "Note"
    REWORDED = "reworded", "Reworded"
    OWNER = "owner", "Owner"
    DUE = "due", "Due date"
    TAGGED = "tagged", "Tags"
    PINNED = "pinned", "Pinned"
    HIDDEN = "hidden", "Hidden"
    ORDERED = "ordered", "Order"
    REVIEWED = "reviewed", "Put into a review"
    VERIFIED = "verified", "Verified"


class RecommendationChange(OrganizationFact):
    """One thing that happened to a recommendation; rows are only ever added."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="recommendation_changes"
    )
    recommendation = models.ForeignKey(Recommendation, on_delete=models.CASCADE, related_name="changes")
    what = models.CharField(max_length=12, choices=Change)
    before = models.CharField(max_length=300, blank=True)
    after = models.CharField(max_length=300, blank=True)
    note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    hat = models.CharField(max_length=20, blank=True)  # accounts.access.HATS; "night" where nobody acted
    at = models.DateTimeField()
    day = models.DateField()  # the day it is about: of a night, the night's

    class Meta(OrganizationFact.Meta):
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["recommendation", "-id"], name="change_by_recommendation")]

    def __str__(self) -> str:
        return f"{self.recommendation}: {self.get_what_display()}"
