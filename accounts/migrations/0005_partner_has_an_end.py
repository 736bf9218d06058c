"""A partner's access ends: the database refuses one without."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_partners_get_an_end")]

    operations = [
        migrations.AddConstraint(
            "membership",
            models.CheckConstraint(
                condition=~Q(role="partner") | Q(ends_at__isnull=False), name="partner_has_an_end"
            ),
        ),
    ]
