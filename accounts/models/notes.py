"""Notes: what a customer wrote of one of its days, to be read beside the score."""

import uuid

from django.db import models

from accounts.models.organizations import Organization, OrganizationFact
from accounts.models.people import User

LONGEST_NOTE = 200  # characters: a line beneath a chart


class Note(OrganizationFact):
    """One day and what happened then, in the customer's own words."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="notes")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    day = models.DateField()
    text = models.CharField(max_length=LONGEST_NOTE)
    written_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # last
    written_at = models.DateTimeField()

    class Meta(OrganizationFact.Meta):
        ordering = ["day", "pk"]
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.CheckConstraint(condition=~models.Q(text=""), name="note_says_something"),
        ]
        indexes = [models.Index(fields=["organization", "day"], name="note_by_day")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}: {self.text}"
