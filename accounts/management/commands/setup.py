"""The first run from the server: asks in a terminal, takes everything as options where nobody types."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import audit, installation, setup
from accounts.management.commands.add_person import chosen_password

ASKED = (
    ("site_address", "Site address"),
    ("vendor_name", "Vendor, the company that runs the portal for its customers"),
    ("support_email", "Support e-mail, for customers without a success manager"),
    ("operator_email", "Operator e-mail, told when a night fails"),
)


class Command(BaseCommand):
    help = (
        "Set up a new install: its first administrator, address, vendor and mail. "
        "Asks in a terminal; elsewhere give options, and the password as CAIRN_PASSWORD. "
        "Running it again changes only what is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--code", action="store_true", help="print the code that opens /setup/, and no more"
        )
        parser.add_argument("--email", help="of the first administrator")
        parser.add_argument("--name", help="of the first administrator")
        parser.add_argument("--site-address", help="as in https://score.example.com")
        parser.add_argument("--vendor-name")
        parser.add_argument("--support-email")
        parser.add_argument("--operator-email", help="several with a comma between")
        parser.add_argument("--test-mail", metavar="ADDRESS", help="send a test mail at the end")

    def handle(self, *, code: bool, email: str | None, name: str | None, **options: Any) -> None:
        if code:
            self.print_code()
            return
        is_due = setup.is_due()
        house = {field: options[field] for field in installation.FIELDS if options[field] is not None}
        if sys.stdin.isatty() and is_due and not (house or email):
            house = {field: self.ask(text, installation.of_environment()[field]) for field, text in ASKED}
            email, name = self.ask("Your e-mail address"), self.ask("Your name")
        if is_due and not email:
            raise CommandError("There is no administrator yet: give --email, --name and CAIRN_PASSWORD.")
        try:
            with audit.command("setup"):
                if is_due:
                    self.first(email or "", name or "", house)
                else:
                    self.again(email, house)
        except installation.SettingRefused as refused:
            raise CommandError(f"{refused.field}: {refused}") from None
        if options["test_mail"]:
            self.try_mail(options["test_mail"])

    def first(self, email: str, name: str, house: dict[str, str]) -> None:
        password = chosen_password()
        try:
            user = setup.set_up(email=email, name=name, password=password, house=house)
        except setup.AdministratorRefused as refused:
            said = [f"{field}: {' '.join(problems)}" for field, problems in refused.problems.items()]
            raise CommandError("\n".join(said)) from None
        except setup.AlreadySetUp as said:
            raise CommandError(str(said)) from None
        self.say(f"{user.email} administers this install and can sign in at {installation.link('/sign-in/')}")

    def again(self, email: str | None, house: dict[str, str]) -> None:
        if email and not setup.is_administrator(email):
            raise CommandError(
                f"This install is set up already; {email} is not an administrator of it. "
                f"To add one: manage.py add_person {email} --admin"
            )
        self.say("Saved." if house and installation.change(house) else "Nothing to change.")

    def print_code(self) -> None:
        if not setup.is_due():
            raise CommandError("This install is set up already: /setup/ is closed.")
        self.say(f"Open {installation.link('/setup/')} and enter this code:\n{setup.code()}")

    def try_mail(self, to: str) -> None:
        try:
            installation.send_test_mail(to)
        except (installation.SettingRefused, installation.MailFailed) as failed:
            raise CommandError(f"Test mail: {failed}") from None
        self.say(f"A test mail to {to} is on its way, by {installation.mail_server()}.")

    def ask(self, text: str, usual: str = "") -> str:
        """What is typed; Enter takes what is in the brackets."""
        return input(f"{text}{f' [{usual}]' if usual else ''}: ").strip()

    def say(self, text: str) -> None:
        self.stdout.write(text)
