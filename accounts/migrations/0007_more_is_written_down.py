"""The closed list of what is written down grows by success reviews."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_review_requests"),
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
                    ("organizations_imported", "Organizations imported"),
                    ("plan_changed", "Plan changed"),
                    ("scorecard_published", "Scorecard published"),
                    ("night_run", "Night run by hand"),
                    ("log_exported", "Log exported"),
                    ("sealed", "Log sealed"),
                ],
                max_length=40,
            ),
        ),
    ]
