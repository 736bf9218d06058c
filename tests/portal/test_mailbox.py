"""Letters of an install without a mail server: written to files, read by administrators alone."""

import re
from pathlib import Path

import pytest
from django.core.mail import send_mail
from django.test import Client

from accounts.models import User
from portal import mailbox


@pytest.fixture
def folder(settings, tmp_path: Path) -> Path:
    """Where mail goes in this test, as an install without a mail server has it."""
    backend = "django.core.mail.backends.filebased.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": {"file_path": tmp_path / "mail"}}}
    return tmp_path / "mail"


def test_letter_is_read_back_as_it_was_written(folder: Path) -> None:
    send_mail("Grüße", "Line one\n\nLine two – ok", "Cairn <cairn@localhost>", ["dana@orchard.example"])

    (letter,) = mailbox.letters()

    assert (letter.subject, letter.to, letter.sender) == (
        "Grüße",
        "dana@orchard.example",
        "Cairn <cairn@localhost>",
    )
    assert letter.text.strip() == "Line one\n\nLine two – ok"


def test_newest_letter_comes_first(folder: Path) -> None:
    folder.mkdir()
    for day in ("20261119", "20261121", "20261120"):
        (folder / f"{day}-120000-1.log").write_text(f"Subject: {day}\n\nText\n" + "-" * 79 + "\n")

    assert [letter.subject for letter in mailbox.letters()] == ["20261121", "20261120", "20261119"]


def test_administrator_reads_the_mail(client: Client, ada: User, folder: Path) -> None:
    send_mail("Welcome <b>in</b>", "Open https://score.example/x", None, ["dana@orchard.example"])
    client.force_login(ada)

    page = client.get("/mail/").content.decode()

    assert "Welcome &lt;b&gt;in&lt;/b&gt;" in page
    assert 'href="https://score.example/x"' in page


def test_long_mailbox_is_read_page_by_page(client: Client, ada: User, folder: Path) -> None:
    folder.mkdir()
    for number in range(25):
        letter = f"Subject: Letter {number:02d}.\n\nText\n" + "-" * 79 + "\n"
        (folder / f"20261121-1200{number:02d}-1.log").write_text(letter)
    client.force_login(ada)

    first, second = (client.get(f"/mail/?page={page}").content.decode() for page in (1, 2))

    on_first, on_second = (set(re.findall(r"<h2>Letter (\d\d)\.</h2>", page)) for page in (first, second))
    assert "24" in on_first
    assert on_first | on_second == {f"{number:02d}" for number in range(25)}
    assert not on_first & on_second


def test_empty_mailbox_says_so(client: Client, ada: User, folder: Path) -> None:
    client.force_login(ada)

    assert "No letter yet" in client.get("/mail/").content.decode()


def test_success_manager_may_not_read_the_mail_of_others(client: Client, casey: User, folder: Path) -> None:
    client.force_login(casey)

    assert client.get("/mail/").status_code == 403


def test_no_mailbox_where_mail_is_sent(client: Client, ada: User) -> None:
    client.force_login(ada)  # the suite's own mail goes to memory, not to files

    assert client.get("/mail/").status_code == 404


def test_file_that_is_no_letter_and_link_to_elsewhere_are_left_alone(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    secret = tmp_path / "secret_key"
    secret.write_text("Subject: secret\n\nsecret")
    (folder / "20261121-120000-1.log").symlink_to(secret)
    (folder / "notes.txt").write_text("Subject: notes\n\nnotes")
    (folder / "folder.log").mkdir()

    assert mailbox.letters() == []
