"""Success reviews: asked for by the customer, held by a guide."""

from django.db import models
from django.db.models import F, Q

from accounts.models.organizations import Organization, OrganizationFact
from accounts.models.people import User


class ReviewRequest(OrganizationFact):
    """A customer asked for a success review; open until a guide or success manager has arranged it."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="review_requests")
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta(OrganizationFact.Meta):
        ordering = ["-asked_at"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization"], condition=Q(answered_at=None), name="review_request_open_once"
            ),
            models.CheckConstraint(
                condition=Q(answered_at=None) | Q(answered_at__gte=F("asked_at")),
                name="review_request_answered_after_asked",
            ),
        ]

    def __str__(self) -> str:
        return f"Review for {self.organization}, asked {self.asked_at:%Y-%m-%d}"
