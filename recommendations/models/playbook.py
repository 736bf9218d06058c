"""Editions of the playbook: published from files or changed by an expert, never edited again."""

from django.db import models
from django.db.models.functions import Now

from accounts.models import User


class PlaybookVersion(models.Model):
    """All plays as they stood from one moment to the next version."""

    id = models.SmallAutoField(primary_key=True)
    number = models.PositiveSmallIntegerField(unique=True)  # 1, 2, 3 …
    text = models.TextField()  # canonical JSON of every play, pins and vetoes included
    digest = models.CharField(max_length=64)  # SHA-256 of text
    files_digest = models.CharField(max_length=64)  # of the files it comes from: others are loaded anew
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    made_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")  # else: files
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Playbook v{self.number}"
