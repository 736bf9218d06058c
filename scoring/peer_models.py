"""What is kept of the comparison with peers: what was released, who is shown what, the lists behind it."""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Organization, OrganizationFact


class PeerClose(models.Model):
    """The releases of one close are made: once, whatever arrives or changes later."""

    key = models.SlugField(max_length=60)  # of the scorecard
    version = models.ForeignKey("scoring.ScorecardVersion", on_delete=models.PROTECT, related_name="+")
    day = models.DateField()  # the month's last one
    revision = models.PositiveSmallIntegerField()  # of the sheets it was made from
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["key", "day"]
        constraints = [models.UniqueConstraint(fields=["key", "day"], name="peer_close_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.day}"


class PeerRelease(models.Model):
    """The figures of one peer group on one close; nothing in it counts or names its members."""

    close = models.ForeignKey(PeerClose, on_delete=models.CASCADE, related_name="releases")
    rung = models.PositiveSmallIntegerField()  # scoring.engine.peers.Rung
    low = models.PositiveSmallIntegerField()  # sizes, both included
    high = models.PositiveSmallIntegerField()
    industry = models.CharField(max_length=80, blank=True)
    size_range = models.CharField(max_length=8)  # 11–24, 25–49, 50+
    # By node: lower quartile, median, upper quartile; of a signal the median alone. Whole numbers.
    figures = models.JSONField()

    class Meta:
        ordering = ["close", "rung", "low", "industry"]
        constraints = [
            models.UniqueConstraint(
                fields=["close", "rung", "low", "high", "industry"], name="peer_release_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.close}: {self.rung} {self.low}–{self.high} {self.industry}".rstrip()


class PeerList(models.Model):
    """The lists a release was made of: who is frozen in them, and with which numbers. For the night alone."""

    release = models.OneToOneField(PeerRelease, on_delete=models.CASCADE, related_name="members")
    ids = models.BinaryField()  # int64, ascending
    values = models.BinaryField()  # int16 hundredths, a row a member, a column a node; -1 is not in its list

    wall = "house"  # accounts.isolation.policies: behind it, no page reads who stands behind a figure

    def __str__(self) -> str:
        return str(self.release_id)


class PeerPlace(OrganizationFact):
    """What one organization is shown of one close, or why it is shown nothing."""

    class Why(models.TextChoices):
        SHOWN = "shown", "Shown"
        OPTED_OUT = "opted_out", "Does not contribute"
        NOT_CERTAIN = "not_certain", "No score, or a provisional one"
        TOO_FEW = "too_few", "Not enough peers"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="peer_places")
    close = models.ForeignKey(PeerClose, on_delete=models.CASCADE, related_name="places")
    release = models.ForeignKey(PeerRelease, null=True, on_delete=models.CASCADE, related_name="+")
    why = models.CharField(max_length=12, choices=Why)

    class Meta(OrganizationFact.Meta):
        constraints = [
            *OrganizationFact.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "close"], name="peer_place_once"),
            models.CheckConstraint(
                condition=models.Q(why="shown", release__isnull=False)
                | (~models.Q(why="shown") & models.Q(release=None)),
                name="peer_place_shown_with_its_release",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.close_id}: {self.why}"
