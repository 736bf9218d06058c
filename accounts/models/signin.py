"""How a person signs in besides their password, and in which browsers they are signed in.

What apps and passkeys are known by stands in allauth's own table; ours hold what it has no place for.
"""

import uuid

from django.db import models
from django.db.models import F, Q

from accounts.models.people import User


class RecoveryCode(models.Model):
    """One of ten codes that stand in for a lost factor, each of them once; only its digest is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)  # sha256, hexadecimal: the code itself is 80 random bits
    made_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"Recovery code of {self.user}"


class FactorReset(models.Model):
    """An administrator takes a lost factor away from somebody: after a day in which the person may say no."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="factor_resets")
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)  # carried out, or cancelled
    was_cancelled = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(ended_at=None), name="one_factor_reset_at_a_time"
            ),
            models.CheckConstraint(condition=Q(due_at__gt=F("asked_at")), name="factor_reset_waits"),
        ]

    def __str__(self) -> str:
        return f"Factor reset of {self.user}"


class SignedIn(models.Model):
    """A browser in which a person has signed in; whether it still is, the session itself decides."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="signed_in")
    session_key = models.CharField(max_length=40, unique=True)
    epoch = models.PositiveIntegerField()  # of the person, as the session carries it
    since = models.DateTimeField()
    seen_at = models.DateTimeField()  # within the minutes that the session is not written again
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.user} since {self.since:%Y-%m-%d %H:%M}"
