"""People are invited by name: the offer, its end, and the digest of its token."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0019_public_ids_are_each_their_own"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("email", models.EmailField(max_length=254)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("contact", "Designated contact"),
                            ("training_admin", "Training administrator"),
                            ("viewer", "Viewer"),
                            ("partner", "Partner"),
                            ("csm", "Customer success manager"),
                            ("guide", "Success guide"),
                        ],
                        max_length=20,
                    ),
                ),
                ("access_ends_at", models.DateTimeField(blank=True, null=True)),
                ("hat", models.CharField(max_length=20)),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("accepted_at", models.DateTimeField(blank=True, null=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
                (
                    "invited_by",
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
                        related_name="invitations",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-made_at", "-pk"],
                "abstract": False,
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "id"), name="invitation_in_organization"),
                    models.UniqueConstraint(
                        condition=Q(("accepted_at", None), ("withdrawn_at", None)),
                        fields=("organization", "email"),
                        name="invitation_open_once",
                    ),
                    models.CheckConstraint(
                        condition=Q(("email", Lower("email"))), name="invitation_in_lower_case"
                    ),
                    models.CheckConstraint(
                        condition=Q(("role__in", ("contact", "training_admin", "viewer", "partner"))),
                        name="invitation_to_a_customers_role",
                    ),
                    models.CheckConstraint(
                        condition=Q(
                            Q(("role", "partner"), _negated=True),
                            ("access_ends_at__isnull", False),
                            _connector="OR",
                        ),
                        name="invited_partner_has_an_end",
                    ),
                    models.CheckConstraint(
                        condition=Q(("expires_at__gt", F("made_at"))),
                        name="invitation_expires_after_it_was_made",
                    ),
                    models.CheckConstraint(
                        condition=Q(("accepted_at", None), ("withdrawn_at", None), _connector="OR"),
                        name="invitation_ends_one_way",
                    ),
                ],
            },
        ),
    ]
