"""Customers say what is wrong with a score, and are answered."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0024_the_log_is_kept_for_a_time"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("sign_in", "Sign-in"),
                    ("sign_out", "Sign-out"),
                    ("score_opened", "Score opened by staff"),
                    ("refused", "Refused"),
                    ("person_added", "Person added"),
                    ("person_changed", "Person changed"),
                    ("access_given", "Access given"),
                    ("review_requested", "Success review requested"),
                    ("review_arranged", "Success review arranged"),
                    ("feedback_given", "Feedback about a score"),
                    ("feedback_answered", "Feedback answered"),
                    ("organizations_imported", "Organizations imported"),
                    ("plan_changed", "Plan changed"),
                    ("scorecard_published", "Scorecard published"),
                    ("night_run", "Night run by hand"),
                    ("log_exported", "Log exported"),
                    ("organization_created", "Organization created"),
                    ("organization_changed", "Organization changed"),
                    ("organization_merged", "Organization merged"),
                    ("organizations_exported", "Organizations exported"),
                    ("assigned", "Success manager or guide assigned"),
                    ("covered", "Cover arranged"),
                    ("team_changed", "Team changed"),
                    ("invited", "Invited"),
                    ("invitation_withdrawn", "Invitation withdrawn"),
                    ("invitation_accepted", "Invitation accepted"),
                    ("access_changed", "Access changed"),
                    ("access_ended", "Access ended"),
                    ("person_deactivated", "Person deactivated"),
                    ("person_reactivated", "Person reactivated"),
                    ("password_changed", "Password changed"),
                    ("factor_added", "Second factor added"),
                    ("factor_removed", "Second factor removed"),
                    ("sessions_ended", "Signed out everywhere"),
                    ("connection_changed", "Sign-in connection changed"),
                    ("seen_as_customer", "Seen as the customer sees it"),
                    ("impersonation_started", "Impersonation started"),
                    ("impersonation_ended", "Impersonation ended"),
                    ("installation_changed", "Installation changed"),
                    ("sealed", "Log sealed"),
                    ("retired", "Old log removed"),
                ],
                max_length=40,
            ),
        ),
        migrations.CreateModel(
            name="Feedback",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("node", models.CharField(max_length=160)),
                ("called", models.CharField(max_length=160)),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("value", "A value is wrong"),
                            ("definition", "The definition is unclear"),
                            ("relevance", "It is not relevant to us"),
                            ("other", "Something else"),
                        ],
                        max_length=12,
                    ),
                ),
                ("text", models.CharField(max_length=2000)),
                ("said_at", models.DateTimeField()),
                ("answer", models.CharField(blank=True, max_length=2000)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="feedback",
                        to="accounts.organization",
                    ),
                ),
                (
                    "said_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-said_at", "-pk"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="feedback_in_organization"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None)),
                            models.Q(
                                ("answered_at__gte", models.F("said_at")),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="feedback_answered_in_words_after_it_was_said",
                    ),
                ],
            },
        ),
    ]
