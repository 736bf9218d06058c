"""A file that somebody sent through a page, between its dry run and their word."""

import uuid

from django.db import models
from django.db.models.functions import Now

from accounts.models.people import User


class Upload(models.Model):
    """A file of organizations and the report on it; the bytes go once it is in, or after a day."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=120)
    content = models.BinaryField()
    report = models.JSONField()  # accounts.intake.IntakeReport.as_json
    sent_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True)  # when it was confirmed and went in

    def __str__(self) -> str:
        return self.name
