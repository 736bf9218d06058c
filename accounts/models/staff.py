"""What those who work for the vendor arrange among themselves: who stands in for whom."""

from django.db import models
from django.db.models import F, Q

from accounts.models.people import User


class Cover(models.Model):
    """While it lasts (half-open), somebody looks after all organizations of an absent success manager.

    Whose organizations these are is asked at every request, so one that is handed over meanwhile goes with
    its new success manager. Cover of cover does not exist.
    """

    absent = models.ForeignKey(User, on_delete=models.CASCADE, related_name="covered_by")
    covering = models.ForeignKey(User, on_delete=models.CASCADE, related_name="covers")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()  # always: nobody stands in for good
    arranged_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="cover_ends_after_start"),
            models.CheckConstraint(condition=~Q(absent=F("covering")), name="cover_is_by_another"),
        ]
        indexes = [models.Index(fields=["covering", "ends_at"], name="cover_by_covering")]

    def __str__(self) -> str:
        return f"{self.covering} for {self.absent} until {self.ends_at:%Y-%m-%d}"
