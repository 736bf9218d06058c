from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0021_people_sign_in_with_factors"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="demands_factor",
            field=models.BooleanField(default=False),
        ),
    ]
