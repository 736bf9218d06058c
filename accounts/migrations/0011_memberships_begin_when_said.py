import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_installation_roles_are_for_staff")]

    operations = [
        migrations.AlterField(
            model_name="membership",
            name="starts_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
    ]
