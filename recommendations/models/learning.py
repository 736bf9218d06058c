"""What was learned from outcomes, month by month."""

from django.db import models
from django.db.models.functions import Now


class RankerVersion(models.Model):
    """One training: the numbers that order advice, and the card that says what they are made of.

    Of many organizations at once: figures per play and segment only, never which organization.
    """

    id = models.SmallAutoField(primary_key=True)
    number = models.PositiveSmallIntegerField(unique=True)
    trained_on = models.DateField(unique=True)  # the newest day it knows of
    numbers = models.JSONField()
    card = models.JSONField()
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical JSON of numbers
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Ranker v{self.number} of {self.trained_on}"
