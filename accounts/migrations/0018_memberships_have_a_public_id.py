"""Every membership that is there gets its public id."""

import uuid

from django.db import migrations

A_BATCH = 1000


def fill(apps, schema_editor):
    memberships = apps.get_model("accounts", "Membership").objects
    batch = []
    for membership in memberships.filter(public_id=None).iterator(chunk_size=A_BATCH):
        membership.public_id = uuid.uuid4()
        batch.append(membership)
        if len(batch) == A_BATCH:
            memberships.bulk_update(batch, ["public_id"])
            batch = []
    memberships.bulk_update(batch, ["public_id"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_memberships_get_a_public_id"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
