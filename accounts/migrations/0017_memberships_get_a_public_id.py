"""Addresses name a membership by a number that says nothing: add; 0012 fills, 0013 tightens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0016_the_house_knows_itself"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="public_id",
            field=models.UUIDField(null=True, editable=False),
        ),
    ]
