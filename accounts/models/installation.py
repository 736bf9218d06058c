"""The house itself, as its administrators set it up; what is empty is as the environment says."""

from django.db import models
from django.db.models import Q


class Installation(models.Model):
    """The one row of what an administrator decides about the whole house."""

    ONE = 1  # its key: there is no second row

    site_address = models.CharField(max_length=200, blank=True)  # as in https://score.example.com
    vendor_name = models.CharField(max_length=80, blank=True)
    support_email = models.CharField(max_length=254, blank=True)
    operator_email = models.CharField(max_length=1000, blank=True)  # several with a comma between
    # Lines that customers may see beside the peers (SCORING §7); drawn only where an administrator says so.
    has_reference_lines = models.BooleanField(default=False, db_default=False)
    reference_top = models.PositiveSmallIntegerField(default=85, db_default=85)
    reference_average = models.PositiveSmallIntegerField(default=75, db_default=75)
    set_up_at = models.DateTimeField(null=True, blank=True)  # from then on nobody sets it up again

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_installation")]

    def __str__(self) -> str:
        return self.site_address or "Installation"
