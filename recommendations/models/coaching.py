"""Expert coaching, asked for by the customer and arranged by one of ours."""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models import Organization, OrganizationFact, User
from recommendations.models.advice import Recommendation


class CoachingRequest(OrganizationFact):
    """Somebody asked for a session; open until the success manager or guide has answered."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="coaching_requests")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recommendation = models.ForeignKey(
        Recommendation, on_delete=models.CASCADE, related_name="coaching_requests"
    )
    topic = models.CharField(max_length=200)
    wish = models.CharField(max_length=500, blank=True)  # when, with whom
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=500, blank=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta(OrganizationFact.Meta):
        ordering = ["-asked_at", "-pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["recommendation"], condition=Q(answered_at=None), name="coaching_asked_for_once"
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None, answer="") | Q(answered_at__gte=F("asked_at")) & ~Q(answer=""),
                name="coaching_answered_in_words_after_it_was_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"Coaching for {self.organization}: {self.topic}"
