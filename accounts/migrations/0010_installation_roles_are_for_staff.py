from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_staff_are_known"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_staff", True),
                    models.Q(("is_admin", False), ("is_auditor", False), ("is_lead", False)),
                    _connector="OR",
                ),
                name="installation_roles_are_for_staff",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_lead", False), ("team__isnull", False), _connector="OR"),
                name="lead_has_a_team",
            ),
        ),
    ]
