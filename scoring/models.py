"""What scoring remembers: scorecards, measurements, packed months, nights and sheets.

Hot tables (Observation, MetricMonth, ScoreSheet) hold few wide rows, end their key with the day or month
and carry no database foreign keys: each would cost 8 to 9 s per million rows (RECIPES §1).
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Organization, OrganizationFact
from scoring.peer_models import PeerClose, PeerList, PeerPlace, PeerRelease

__all__ = [
    "LARGEST",
    "Batch",
    "Chunk",
    "Correction",
    "Metric",
    "MetricMonth",
    "NightStep",
    "Observation",
    "PeerClose",
    "PeerList",
    "PeerPlace",
    "PeerRelease",
    "Pointer",
    "Quarantine",
    "ScoreSheet",
    "ScorecardVersion",
    "ScoringRun",
    "Source",
    "StepState",
    "Turn",
]

LARGEST = 1e15  # beyond it a float64 no longer counts in ones; NaN and infinities fail the same check


class ScorecardVersion(models.Model):
    """One published scorecard file, never edited again."""

    id = models.SmallAutoField(primary_key=True)
    key = models.SlugField(max_length=60)
    number = models.PositiveSmallIntegerField()  # 1, 2, 3 … per key
    name = models.CharField(max_length=120)
    text = models.TextField()  # the TOML file as it was published
    digest = models.CharField(max_length=64)  # SHA-256 of text
    effective_on = models.DateField()  # scores days from here on
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["key", "number"]
        constraints = [models.UniqueConstraint(fields=["key", "number"], name="scorecard_version_once")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class Metric(models.Model):
    """A measured quantity, declared by a scorecard; its slot is given once and never reused."""

    id = models.SmallAutoField(primary_key=True)
    key = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=40, blank=True)
    product = models.CharField(max_length=40, blank=True)  # key of an accounts.Product
    nature = models.CharField(max_length=8)
    grain = models.CharField(max_length=8)
    cadence = models.CharField(max_length=12)
    lag = models.PositiveSmallIntegerField()  # days
    minimum = models.FloatField(default=0)
    maximum = models.FloatField(default=LARGEST)
    daily = models.BooleanField()  # slot counts in MetricMonth.days, else in MetricMonth.slots
    slot = models.PositiveSmallIntegerField()  # a stock takes this and the next

    class Meta:
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["daily", "slot"], name="metric_slot_once")]

    def __str__(self) -> str:
        return self.key


class Source(models.Model):
    """Where numbers come from: a system, a connector, a person's file."""

    key = models.CharField(max_length=80, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.key


class Batch(models.Model):
    """One delivery of measurements and what became of its lines."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="batches")
    # Set when the delivery speaks for one organization only: its declaration then covers that one alone.
    organization = models.ForeignKey(
        Organization, null=True, blank=True, on_delete=models.CASCADE, related_name="batches"
    )
    file_name = models.CharField(max_length=255, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    # Metrics of the batch and the window in which their absence means zero (SCORING §13).
    metrics = models.JSONField(default=list)
    complete_from = models.DateField(null=True, blank=True)
    complete_to = models.DateField(null=True, blank=True)
    lines = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    corrected = models.PositiveIntegerField(default=0)
    duplicate = models.PositiveIntegerField(default=0)
    conflicting = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    # A flag a batch, not a highest number: a lower number may commit later (RECIPES §2).
    packed_at = models.DateTimeField(null=True, blank=True, db_index=True)
    packing = models.PositiveIntegerField(null=True, blank=True)  # the Turn that packed it: a run's watermark

    wall = "shared"  # what a delivery for all declares complete counts for each; accounts.isolation.policies

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(complete_from=None, complete_to=None)
                | Q(complete_to__gte=models.F("complete_from")),
                name="batch_complete_window_in_order",
            )
        ]

    def __str__(self) -> str:
        return f"{self.source}: {self.file_name or self.pk}"


class Observation(models.Model):
    """One metric of one organization on one day: the truth; the night never reads it."""

    pk = models.CompositePrimaryKey("organization_id", "metric_id", "day")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="observations",
    )
    metric = models.ForeignKey(Metric, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    day = models.DateField()
    value = models.FloatField()
    batch = models.ForeignKey(
        Batch, on_delete=models.PROTECT, db_constraint=False, related_name="observations"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(value__gte=-LARGEST, value__lte=LARGEST), name="observation_is_finite"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.metric_id} {self.day}: {self.value}"


class Correction(OrganizationFact):
    """A value that was replaced by one said to be a correction."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="corrections")
    metric = models.ForeignKey(Metric, on_delete=models.PROTECT)
    day = models.DateField()
    value = models.FloatField()  # the old one
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+")  # it came with
    replaced_by = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="corrections")
    replaced_at = models.DateTimeField(db_default=Now())

    class Meta(OrganizationFact.Meta):
        indexes = [models.Index(fields=["organization", "metric", "day"], name="correction_by_key")]

    def __str__(self) -> str:
        return f"{self.organization_id} {self.metric_id} {self.day}: was {self.value}"


class Quarantine(models.Model):
    """A line refused and kept with its reason."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="quarantine")
    line = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)  # a code of scoring.observe.Reason
    field = models.CharField(max_length=80, blank=True)
    raw = models.TextField(blank=True)  # at most 8 kB

    wall = "house"  # a line may be anybody's

    class Meta:
        ordering = ["batch", "line"]
        verbose_name_plural = "quarantine"

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


class MetricMonth(models.Model):
    """One organization's numbers of one month, packed as float64 with NaN for missing (RECIPES §2)."""

    pk = models.CompositePrimaryKey("organization_id", "month")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="metric_months",
    )
    month = models.DateField()  # its first day
    slots = models.BinaryField(default=b"")  # one a month- or event-grain metric, two a stock
    days = models.BinaryField(default=b"")  # 31 a day-grain metric

    def __str__(self) -> str:
        return f"{self.organization_id} {self.month:%Y-%m}"


class Turn(models.Model):
    """Whose turn it is: one row a queue that only one worker may serve at a time."""

    name = models.CharField(max_length=20, primary_key=True)
    number = models.PositiveIntegerField(default=0)  # packings so far

    def __str__(self) -> str:
        return f"{self.name}: {self.number}"


class StepState(models.TextChoices):
    """How far one step of a night has come."""

    OPEN = "open", "Open"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class NightStep(models.Model):
    """One step of one night; the order stands in portal.nightly."""

    day = models.DateField()
    name = models.CharField(max_length=30)
    state = models.CharField(max_length=10, choices=StepState, default=StepState.OPEN)
    tries = models.PositiveSmallIntegerField(default=0)
    message = models.TextField(blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "name"], name="night_step_once")]

    def __str__(self) -> str:
        return f"{self.day} {self.name}: {self.state}"


class ScoringRun(models.Model):
    """One pass over everyone for one day, scorecard version and revision."""

    day = models.DateField()
    version = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="runs")
    revision = models.PositiveSmallIntegerField(default=0)  # 0 that night, then restated closes
    reason = models.CharField(max_length=120, blank=True)  # why a later revision was made
    # The last night of an older version, scored under its successor to compare: no pointer ever leads here.
    beside = models.BooleanField(default=False)
    watermark = models.PositiveIntegerField()  # packings it has seen: a number, not a time
    opened_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)
    abandoned_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["day", "version", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["version", "day", "revision"], name="scoring_run_once")
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.day} r{self.revision}"


class Chunk(models.Model):
    """The organizations a worker scores at a time, under a lease and a fence."""

    run = models.ForeignKey(ScoringRun, on_delete=models.CASCADE, related_name="chunks")
    first = models.PositiveBigIntegerField()  # organization ids, both ends included
    last = models.PositiveBigIntegerField()
    fence = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(db_default=Now())  # the database's clock, never a worker's
    done_at = models.DateTimeField(null=True, blank=True)
    organizations = models.PositiveIntegerField(default=0)  # scored in it
    failure = models.TextField(blank=True)  # why its one organization keeps the last score

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "first"], name="chunk_once")]

    def __str__(self) -> str:
        return f"{self.run}: {self.first} to {self.last}"


class Pointer(models.Model):
    """The published run of one day: a night is seen whole or not at all."""

    version = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="pointers")
    day = models.DateField()
    run = models.ForeignKey(ScoringRun, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "day"], name="pointer_once")]

    def __str__(self) -> str:
        return f"{self.version} {self.day}"


class ScoreSheet(models.Model):
    """One organization's filled-in card for one night; scoring.sheets reads the packed part."""

    pk = models.CompositePrimaryKey("organization_id", "version_id", "day", "revision")
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="score_sheets",
    )
    version = models.ForeignKey(
        ScorecardVersion, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    day = models.DateField()
    revision = models.PositiveSmallIntegerField(default=0)
    points = models.SmallIntegerField()  # overall, hundredths; -1 is no number
    coverage = models.SmallIntegerField()  # overall, hundredths of a percent; -1 is not applicable
    state = models.SmallIntegerField()  # scoring.engine.State of the overall score
    nodes = models.BinaryField()  # every node's points, state and coverage

    # No second index: a covering one costs 54 bytes a row, and a night's rows lie together anyway.

    def __str__(self) -> str:
        return f"{self.organization_id} {self.day}: {self.points}"
