"""What an administrator decides about the whole house has a row of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0015_people_come_back_to_an_organization"),
    ]

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("site_address", models.CharField(blank=True, max_length=200)),
                ("vendor_name", models.CharField(blank=True, max_length=80)),
                ("support_email", models.CharField(blank=True, max_length=254)),
                ("operator_email", models.CharField(blank=True, max_length=1000)),
                ("set_up_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pk", 1)), name="one_installation")
                ],
            },
        ),
    ]
