"""What people say is wrong with a score, and what they are answered. Nothing here moves a score."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models.organizations import Organization, OrganizationFact
from accounts.models.people import User

LONGEST = 2000  # characters of what is said, and of the answer


class FeedbackKind(models.TextChoices):
    """What is wrong."""

    VALUE = "value", "A value is wrong"
    DEFINITION = "definition", "The definition is unclear"
    RELEVANCE = "relevance", "It is not relevant to us"
    OTHER = "other", "Something else"


class Feedback(OrganizationFact):
    """Somebody said that a part of a score is wrong; open until one of ours has answered."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="feedback")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    node = models.CharField(max_length=160)  # of the scorecard: overall, a category, a signal
    called = models.CharField(max_length=160)  # what that was called then
    day = models.DateField()  # of the score they looked at
    kind = models.CharField(max_length=12, choices=FeedbackKind)
    text = models.CharField(max_length=LONGEST)
    said_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    said_at = models.DateTimeField()
    answer = models.CharField(max_length=LONGEST, blank=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta(OrganizationFact.Meta):
        ordering = ["-said_at", "-pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.CheckConstraint(
                condition=Q(answered_at=None, answer="") | Q(answered_at__gte=F("said_at")) & ~Q(answer=""),
                name="feedback_answered_in_words_after_it_was_said",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.called} of {self.organization}"
