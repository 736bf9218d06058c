"""What happened: who did what to what, when, and the seals that make a rewritten past visible.

Insert-only: triggers (accounts.triggers) refuse to change or remove a row, so nothing here points back.
"""

import uuid

from django.db import models
from django.db.models.functions import Now

from accounts.models.organizations import Organization
from accounts.models.people import User


class Action(models.TextChoices):
    """Everything that is written down; a closed list."""

    SIGN_IN = "sign_in", "Sign-in"
    SIGN_OUT = "sign_out", "Sign-out"
    SCORE_OPENED = "score_opened", "Score opened by staff"
    REFUSED = "refused", "Refused"
    PERSON_ADDED = "person_added", "Person added"
    PERSON_CHANGED = "person_changed", "Person changed"
    ACCESS_GIVEN = "access_given", "Access given"
    REVIEW_REQUESTED = "review_requested", "Success review requested"
    REVIEW_ARRANGED = "review_arranged", "Success review arranged"
    TARGET_SET = "target_set", "Target set"
    TARGET_ENDED = "target_ended", "Target ended"
    EMPHASIS_SET = "emphasis_set", "Signal de-emphasized"
    EMPHASIS_ENDED = "emphasis_ended", "De-emphasis ended"
    FEEDBACK_GIVEN = "feedback_given", "Feedback about a score"
    FEEDBACK_ANSWERED = "feedback_answered", "Feedback answered"
    ORGANIZATIONS_IMPORTED = "organizations_imported", "Organizations imported"
    PLAN_CHANGED = "plan_changed", "Plan changed"
    SCORECARD_PUBLISHED = "scorecard_published", "Scorecard published"
    NIGHT_RUN = "night_run", "Night run by hand"
    LOG_EXPORTED = "log_exported", "Log exported"
    ORGANIZATION_CREATED = "organization_created", "Organization created"
    ORGANIZATION_CHANGED = "organization_changed", "Organization changed"
    ORGANIZATION_MERGED = "organization_merged", "Organization merged"
    ORGANIZATIONS_EXPORTED = "organizations_exported", "Organizations exported"
    SCORE_EXPORTED = "score_exported", "Score or contacts exported"
    PORTFOLIO_EXPORTED = "portfolio_exported", "Portfolio exported"
    ASSIGNED = "assigned", "Success manager or guide assigned"
    COVERED = "covered", "Cover arranged"
    TEAM_CHANGED = "team_changed", "Team changed"
    INVITED = "invited", "Invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "Invitation withdrawn"
    INVITATION_ACCEPTED = "invitation_accepted", "Invitation accepted"
    ACCESS_CHANGED = "access_changed", "Access changed"
    ACCESS_ENDED = "access_ended", "Access ended"
    PERSON_DEACTIVATED = "person_deactivated", "Person deactivated"
    PERSON_REACTIVATED = "person_reactivated", "Person reactivated"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    FACTOR_ADDED = "factor_added", "Second factor added"
    FACTOR_REMOVED = "factor_removed", "Second factor removed"
    SESSIONS_ENDED = "sessions_ended", "Signed out everywhere"
    CONNECTION_CHANGED = "connection_changed", "Sign-in connection changed"
    SEEN_AS_CUSTOMER = "seen_as_customer", "Seen as the customer sees it"
    IMPERSONATION_STARTED = "impersonation_started", "Impersonation started"
    IMPERSONATION_ENDED = "impersonation_ended", "Impersonation ended"
    NOTE_WRITTEN = "note_written", "Note written"
    NOTE_CHANGED = "note_changed", "Note changed"
    NOTE_DELETED = "note_deleted", "Note deleted"
    INSTALLATION_CHANGED = "installation_changed", "Installation changed"
    RECOMMENDATION_CHANGED = "recommendation_changed", "Recommendation changed"
    RECOMMENDATION_ADDED = "recommendation_added", "Recommendation added"
    ROADMAP_SAVED = "roadmap_saved", "Plan of actions saved"
    ROADMAP_CHANGED = "roadmap_changed", "Plan of actions changed"
    ROADMAP_ENDED = "roadmap_ended", "Plan of actions ended"
    COACHING_REQUESTED = "coaching_requested", "Coaching requested"
    COACHING_ANSWERED = "coaching_answered", "Coaching request answered"
    PLAYBOOK_CHANGED = "playbook_changed", "Playbook changed"
    RANKER_TRAINED = "ranker_trained", "Ranker trained"
    PEERS_CHOSEN = "peers_chosen", "Peer comparison joined or left"
    SEALED = "sealed", "Log sealed"
    RETIRED = "retired", "Old log removed"


class Actor(models.TextChoices):
    """What kind of someone acted."""

    PERSON = "person", "Person"
    VISITOR = "visitor", "Visitor"  # somebody who has not signed in
    COMMAND = "command", "Command"  # on the server, by whoever may start programs there
    NIGHT = "night", "Night"


class Result(models.TextChoices):
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"


class AuditEntry(models.Model):
    """One thing that was done, or refused, and under which hat.

    Its links have no constraint in the database: an entry outlives the person and the organization.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)  # by the database's clock
    request_id = models.CharField(max_length=32, blank=True)
    actor_type = models.CharField(max_length=10, choices=Actor)
    actor = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    on_behalf_of = models.ForeignKey(
        User, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    hat = models.CharField(max_length=20, blank=True)  # the role it was done under: accounts.access.HATS
    organization = models.ForeignKey(
        Organization,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="audit_entries",
    )
    action = models.CharField(max_length=40, choices=Action)
    target_type = models.CharField(max_length=40, blank=True)
    target_id = models.CharField(max_length=120, blank=True)
    result = models.CharField(max_length=10, choices=Result)
    reason = models.CharField(max_length=300, blank=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=200, blank=True)  # of a command: its name
    before = models.JSONField(default=dict)  # the fields that changed; personal data as hashes
    after = models.JSONField(default=dict)
    key_id = models.CharField(max_length=40, blank=True)  # public part of an API key
    # What happens often is written once in its span of time: two requests at once cannot both write it.
    once = models.CharField(max_length=120, null=True, unique=True)  # noqa: DJ001 - many without, none twice

    wall = "log"  # accounts.isolation.policies.KINDS

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["organization", "-id"], name="audit_by_organization"),
            models.Index(fields=["actor", "-id"], name="audit_by_actor"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} ({self.get_result_display()})"


class AuditSeal(models.Model):
    """A closed segment of the log: which rows, and a digest over them and the seal before.

    The segment is a list of stretches of row numbers, not one from-to: a lower number may commit later than
    a higher one, and then belongs to a later seal.
    """

    number = models.PositiveBigIntegerField(unique=True)  # 1, 2, 3 …: a missing one is seen
    stretches = models.JSONField()  # [[first, last], …], ascending, every number between is there
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    count = models.PositiveBigIntegerField()
    previous = models.CharField(max_length=64, blank=True)  # digest of the seal before
    digest = models.CharField(max_length=64)  # sha256, hexadecimal
    sealed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Seal {self.number}: {self.count} entries, {self.first} to {self.last}"


class AuditRetirement(models.Model):
    """The oldest segments, removed because their time was over: all up to this seal. Their seals stay."""

    number = models.PositiveBigIntegerField(unique=True)  # of the newest seal whose entries are gone
    digest = models.CharField(max_length=64)  # of that seal
    entries = models.PositiveBigIntegerField()  # removed this time
    before = models.DateTimeField()  # every one of them was older
    retired_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Segments up to {self.number} removed"
