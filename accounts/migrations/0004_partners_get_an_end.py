"""Partners from before, whose access had no end, get one: time enough to ask for another."""

from datetime import timedelta

from django.db import migrations
from django.utils import timezone

DAYS = 90


def end(apps, schema_editor):
    partners = apps.get_model("accounts", "Membership").objects.filter(role="partner", ends_at=None)
    partners.update(ends_at=timezone.now() + timedelta(days=DAYS))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_people_have_preferences")]

    operations = [migrations.RunPython(end, migrations.RunPython.noop)]
