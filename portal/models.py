"""What the portal keeps for itself: files that somebody asked for. Facts and scores live below."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, OrganizationFact


class ExportState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    MAKING = "making", "Being made"
    DONE = "done", "Ready"
    FAILED = "failed", "Not made"


class ExportJob(OrganizationFact):
    """A file of one organization's numbers that somebody asked for, and how far it is.

    The file lies under its public id in EXPORT_DIR and goes with the row, some days later.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="export_jobs")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    in_english = models.BooleanField(default=False)  # the visit was, by the person's own choice
    what = models.CharField(max_length=40)  # portal.pages.exporting.LONG
    state = models.CharField(max_length=10, choices=ExportState, default=ExportState.WAITING)
    done = models.PositiveSmallIntegerField(default=0)  # percent
    tries = models.PositiveSmallIntegerField(default=0)
    # Whoever works on it holds it until then; a worker that fell silent loses it.
    held_until = models.DateTimeField(null=True)
    name = models.CharField(max_length=200, blank=True)  # of the file, once there is one
    size = models.PositiveBigIntegerField(default=0)  # bytes
    data_day = models.DateField(null=True)  # the day whose score is in it
    why = models.CharField(max_length=300, blank=True)  # it failed, in words for whoever asked
    asked_at = models.DateTimeField(db_default=Now())
    made_at = models.DateTimeField(null=True)

    class Meta(OrganizationFact.Meta):
        ordering = ["-pk"]
        constraints = [*OrganizationFact.Meta.constraints]
        indexes = [
            models.Index(fields=["organization", "by", "-id"], name="export_by_person"),
            models.Index(fields=["state", "held_until"], name="export_by_state"),
        ]

    def __str__(self) -> str:
        return self.name or self.what
