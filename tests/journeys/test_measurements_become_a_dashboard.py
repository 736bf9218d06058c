"""Night: measurements become a dashboard, from the files of other systems to what Dana reads."""

import csv
import json
import re
from datetime import date
from html import unescape
from io import StringIO
from pathlib import Path
from urllib.parse import urljoin

import pytest
from django.core.management import call_command
from django.test import Client

from tests.factories import PASSWORD, SMALL_CARD, believable

DAY, NEXT = date(2026, 10, 20), date(2026, 10, 21)
LAST_MONTH = date(2026, 9, 30)

ORGANIZATIONS = """\
external_id,name,plan,plan_from,products,csm
orchard,Orchard,signature,2025-01-01,sales;platform,casey@vendor.example
harbor,Harbor,signature,2025-01-01,sales;platform,casey@vendor.example
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """What other systems send on the first day: customers, and their numbers of more than a year."""
    (tmp_path / "card.toml").write_text(SMALL_CARD)
    (tmp_path / "organizations.csv").write_text(ORGANIZATIONS)
    write(tmp_path / "numbers.csv", [*rows("orchard", believable(DAY)), *rows("harbor", halved())])
    return tmp_path


def halved() -> dict[str, dict[date, float]]:
    """Half of everything that can be halved: an event happened or did not."""
    return {
        key: {day: value / 2 if value > 1 else value for day, value in days.items()}
        for key, days in believable(DAY).items()
    }


def rows(organization: str, numbers: dict[str, dict[date, float]]) -> list[tuple[str, str, str, str]]:
    return [
        (organization, metric, day.isoformat(), repr(float(value)))
        for metric, values in numbers.items()
        for day, value in values.items()
    ]


def write(path: Path, lines: list[tuple[str, ...]], *more: str) -> None:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["organization", "metric", "day", "value", *more])
        out.writerows(lines)


def manage(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def sign_in(email: str) -> Client:
    client = Client()
    response = client.post("/sign-in/", {"login": email, "password": PASSWORD}, follow=True)
    assert response.status_code == 200
    return client


def read(client: Client, address: str) -> str:
    """The page as it is read: no tags, single spaces."""
    response = client.get(address, follow=True)
    assert response.status_code == 200, address
    page = re.sub(
        r"<(script|style|svg hidden).*?</(script|style|svg)>", " ", response.content.decode(), flags=re.S
    )
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def link_to(client: Client, address: str, text: str) -> str:
    """Where the link with this text leads."""
    response = client.get(address, follow=True)
    links = re.findall(r'<a[^>]*href="([^"]+)"[^>]*>\s*([^<]+?)\s*</a>', response.content.decode())
    (href, *_) = [href for href, words in links if unescape(words) == text]
    return urljoin(response.request["PATH_INFO"], unescape(href))


def test_measurements_become_a_dashboard(db, files, monkeypatch):
    monkeypatch.setenv("CAIRN_PASSWORD", PASSWORD)

    # By day: what other systems know comes in; no page has a number yet.
    manage("publish_scorecard", files / "card.toml")
    manage("import_organizations", files / "organizations.csv")
    manage("add_person", "dana@orchard.example", "--organization", "orchard")
    manage("add_person", "hal@harbor.example", "--organization", "harbor")
    told = json.loads(manage("ingest", files / "numbers.csv", "--complete", f"2025-01-01..{DAY}", "--json"))
    assert told["accepted"] == told["lines"] > 400
    dana = sign_in("dana@orchard.example")
    assert "61.4" not in read(dana, "/")

    # By night: everyone is scored.
    assert f"Published Customer Success Score v1 {DAY} r0." in manage("nightly", "--day", DAY)

    # The next day Dana signs in, opens her score, and goes down to why it is that number.
    assert "Product Adoption" in read(dana, "/")
    category = link_to(dana, "/", "Product Adoption")
    signal = link_to(dana, category, "Work order growth")
    page = read(dana, signal)
    assert "693 / 564" in page
    assert "61" in page

    # The command, the endpoint and the page tell the same.
    document = json.loads(manage("score", "orchard", "--json"))
    assert dana.get("/api/v1/organizations/orchard/score/").json() == document
    growth = node(document["score"], "sales.work_order_growth")
    assert (growth["points"], growth["shown"]) == ("61.44", 61)
    assert (growth["inputs"]["numerator"], growth["inputs"]["denominator"]) == (693, 564)

    # Hal has his own, and nothing of Orchard's.
    hal = sign_in("hal@harbor.example")
    assert "Product Adoption" in read(hal, "/")
    for address in ("/o/orchard/", category, signal, "/api/v1/organizations/orchard/score/"):
        assert hal.get(address).status_code == 404

    # A correction comes by day: no click and no file moves a score before the next night.
    write(
        files / "later.csv",
        [("orchard", "sales.work_orders", LAST_MONTH.isoformat(), "564", "yes")],
        "correction",
    )
    assert json.loads(manage("ingest", files / "later.csv", "--json"))["corrected"] == 1
    assert "693 / 564" in read(dana, signal)

    manage("nightly", "--day", NEXT)
    later = json.loads(manage("score", "orchard", "--json"))
    earlier = json.loads(manage("score", "orchard", "--day", DAY, "--json"))
    assert node(later["score"], "sales.work_order_growth")["points"] == "50.00"
    assert earlier == document
    assert "564 / 564" in read(dana, signal)


def node(tree: dict, wanted: str) -> dict:
    (found,) = [each for each in walk(tree) if each["id"] == wanted]
    return found


def walk(tree: dict) -> list[dict]:
    return [tree] + [below for child in tree.get("children", []) for below in walk(child)]
