"""People have a language, a time zone, and may be auditors of the installation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_audit_log_that_only_grows")]

    operations = [
        migrations.AddField("user", "is_auditor", models.BooleanField(default=False)),
        migrations.AddField("user", "language", models.CharField(blank=True, max_length=12)),
        migrations.AddField("user", "time_zone", models.CharField(default="UTC", max_length=64)),
    ]
