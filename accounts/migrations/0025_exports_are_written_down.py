"""The log says who took a copy of a score, of contacts or of a portfolio."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0024_the_log_is_kept_for_a_time"),
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
                    ("organization_created", "Organization created"),
                    ("organization_changed", "Organization changed"),
                    ("organization_merged", "Organization merged"),
                    ("organizations_exported", "Organizations exported"),
                    ("score_exported", "Score or contacts exported"),
                    ("portfolio_exported", "Portfolio exported"),
                    ("assigned", "Success manager or guide assigned"),
                    ("covered", "Cover arranged"),
                    ("team_changed", "Team changed"),
                    ("invited", "Invited"),
                    ("invitation_withdrawn", "Invitation withdrawn"),
                    ("invitation_accepted", "Invitation accepted"),
                    ("access_changed", "Access changed"),
                    ("access_ended", "Access ended"),
                    ("person_deactivated", "Person deactivated"),
                    ("person_reactivated", "Person reactivated"),
                    ("password_changed", "Password changed"),
                    ("factor_added", "Second factor added"),
                    ("factor_removed", "Second factor removed"),
                    ("sessions_ended", "Signed out everywhere"),
                    ("connection_changed", "Sign-in connection changed"),
                    ("seen_as_customer", "Seen as the customer sees it"),
                    ("impersonation_started", "Impersonation started"),
                    ("impersonation_ended", "Impersonation ended"),
                    ("installation_changed", "Installation changed"),
                    ("sealed", "Log sealed"),
                    ("retired", "Old log removed"),
                ],
                max_length=40,
            ),
        ),
    ]
