"""The library of plays on screen: found by everybody who looks after customers, edited by few."""

import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from accounts.models import Action, AuditEntry
from recommendations import playbook
from recommendations.models import PlaybookVersion
from recommendations.plays import Standing

KEY = "sales-friday-deal-list"
LIST = "/manage/playbook/"
PAGE = f"{LIST}{KEY}/"
STAND = f"{PAGE}stand/"


@pytest.fixture
def published(db: None) -> PlaybookVersion:
    return playbook.load()


@pytest.fixture
def plain(settings) -> None:
    settings.STAFF_SECOND_FACTOR = False


def fields_of(html: str) -> dict[str, str]:
    """What a browser would send of the form in which a play is edited."""
    form = html.partition('id="ed"')[2].partition("</form>")[0]
    found = {
        name: value
        for name, value in re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form)
        if name != "csrfmiddlewaretoken"
    }
    found |= {name: value for value, name in re.findall(r'value="([^"]*)"[^>]* name="(seen)"', form)}
    found |= dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL))
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        found[name] = re.search(r'value="([^"]*)" selected', options).group(1)
    found.pop("costs_money", None)
    if re.search(r'name="costs_money" checked', form):
        found["costs_money"] = "on"
    return {name: value.replace("&#x27;", "'").replace("&amp;", "&") for name, value in found.items()}


def titles(html: str) -> list[str]:
    return re.findall(r'class="rowlink" href="[^"]+">([^<]+)</a>', html)


@pytest.fixture
def editor(client, plain, published, lena):
    """Lena's browser: she leads a team."""
    client.force_login(lena)
    return client


# ---------- the list ----------


def test_a_success_manager_finds_plays_by_word_signal_category_and_horizon(client, plain, published, casey):
    client.force_login(casey)
    every = playbook.shipped().plays

    def found(query: str) -> int:
        html = client.get(f"{LIST}?{query}").content.decode()
        return int(re.search(r"<h2 id=\"pl\">(\d+) play", html).group(1))

    assert found("") == len(every)
    assert found("signal=sales.license_activation") == 2
    assert found("horizon=long") == sum(play.horizon == "long" for play in every)
    assert found("q=friday+list") == 1
    assert found("category=technical-health") > found("category=technical-health&q=threshold") > 0
    assert found("show=costs") == sum(play.costs_money for play in every)
    assert found("show=vetoed") == 0


def test_the_list_pages_and_keeps_its_filter(client, plain, published, casey):
    client.force_login(casey)

    first = client.get(f"{LIST}?category=technical-health").content.decode()
    second = client.get(f"{LIST}?category=technical-health&page=2").content.decode()

    assert "category=technical-health&amp;page=2" in first
    assert len(titles(first)) == 25
    assert titles(second)
    assert not set(titles(first)) & set(titles(second))


def test_the_list_sorts_by_effort_both_ways(client, plain, published, casey):
    client.force_login(casey)
    efforts = sorted(play.effort_days for play in playbook.shipped().plays)

    up = client.get(f"{LIST}?sort=effort").content.decode()
    down = client.get(f"{LIST}?sort=-effort").content.decode()

    assert f">{efforts[0]:g} days<" in up.partition("<tbody>")[2].partition("</tr>")[0]
    assert f">{efforts[-1]:g} days<" in down.partition("<tbody>")[2].partition("</tr>")[0]


@pytest.mark.parametrize("query", ["signal=none", "horizon=soon", "category=x", "show=x", "sort=x"])
def test_a_filter_that_is_none_is_named_and_finds_nothing(client, plain, published, casey, query):
    client.force_login(casey)

    response = client.get(f"{LIST}?{query}")

    assert response.status_code == 422
    assert f"“{query.partition('=')[2]}” is not" in response.content.decode()
    assert titles(response.content.decode()) == []


def test_a_search_without_a_match_says_what_to_do(client, plain, published, casey):
    client.force_login(casey)

    html = client.get(f"{LIST}?q=unicorn").content.decode()

    assert "No play matches" in html
    assert f'<a href="{LIST}">show all plays</a>' in html


def test_before_the_first_night_the_library_shows_the_plays_of_the_release(client, plain, casey):
    client.force_login(casey)

    assert "the first night publishes them" in client.get(LIST).content.decode()
    assert "It stands as this release brought it" in client.get(PAGE).content.decode()
    assert not PlaybookVersion.objects.exists()  # looking publishes nothing


# ---------- one play ----------


def test_a_success_manager_reads_a_play_and_cannot_edit_it(client, plain, published, casey):
    client.force_login(casey)
    play = playbook.shipped().by_key[KEY]

    html = client.get(PAGE).content.decode()

    assert all(escape(text) in html for text in (play.title, play.why, *play.steps, play.evidence))
    assert "Why you change it" not in html
    assert client.post(PAGE, {"title": "Mine"}).status_code == 403
    assert client.post(STAND, {"what": "pin", "reason": "Mine"}).status_code == 403
    assert playbook.in_force() == playbook.shipped()


def test_a_lead_sends_the_form_back_untouched_and_nothing_is_different(editor):
    """Every field of every sort of play survives the way through the form."""
    for key in (KEY, "platform-certify-deputy", "marketing-reach-quiet-segments", "data-connect-next-source"):
        address = reverse("playbook-play", args=[key])
        sent = fields_of(editor.get(address).content.decode()) | {"reason": "Nothing"}

        response = editor.post(address, sent, follow=True)

        assert "Nothing was different." in response.content.decode(), key
    assert PlaybookVersion.objects.count() == 1


def test_a_lead_edits_a_play_and_everybody_sees_what_became_different(editor, casey, client):
    sent = fields_of(editor.get(PAGE).content.decode())
    sent |= {"effort_days": "2.5", "steps": "Do this.\nThen that.", "reason": "Measured at three customers"}

    response = editor.post(PAGE, sent, follow=True)

    assert "Saved as Playbook v2." in response.content.decode()
    play = playbook.in_force().by_key[KEY]
    assert (play.effort_days, play.steps, play.by_hand) == (2.5, ("Do this.", "Then that."), True)
    entry = AuditEntry.objects.filter(action=Action.PLAYBOOK_CHANGED).latest("pk")
    assert (entry.hat, entry.target_id, entry.after["effort_days"]) == ("lead", KEY, "2.5")
    client.force_login(casey)
    html = client.get(PAGE).content.decode()
    assert "Measured at three customers" in html
    assert "<del>1.5</del>" in html
    assert "<ins>2.5</ins>" in html


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("effort_days", "many", "must be a finite number, not &#x27;many&#x27;"),
        ("effort_days", "41", "must be at most 40, not 41"),
        ("targets", "120", "must be at most 100, not 120"),
        ("targets", "90, 80", "must rise from each to the next"),
        ("title", "x" * 71, "may hold 70 characters, not 71"),
        ("title", "", "Enter this: what to do"),
        ("steps", "Only one.", "must hold 2 to 5 texts, not 1"),
        ("horizon", "soon", "“soon” is not in the list"),
        ("signal", "no.such", "“no.such” is not in the list"),
        ("prerequisites", "no-such", "&#x27;no-such&#x27; is no play"),
        ("prerequisites", KEY, "go in a circle"),
        ("links", "film | See it | 5 | a/b", "not &#x27;film&#x27;"),
        ("links", "article | Read it", "minutes: is missing"),
        ("links", "article | Read it | 5 | http://x", "not &#x27;http://x&#x27;"),
        ("links", "article | Read it | 5 | a/b | c | d", "unknown key"),
        ("below", "0", "must be greater than 0, not 0"),
        ("prior_alpha", "0", "must be at least 0.5, not 0"),
        ("reason", "", "Say why"),
        ("nothing", "1", "“nothing” is not a field of this form"),
    ],
)
def test_a_bad_field_is_named_and_what_was_typed_stays(editor, name, text, said):
    sent = fields_of(editor.get(PAGE).content.decode())
    sent |= {"why": "Typed with care.", "reason": "Trying", name: text}

    response = editor.post(PAGE, sent)

    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert "Typed with care." in html
    assert PlaybookVersion.objects.count() == 1


def test_a_play_that_costs_money_says_what_costs(editor):
    sent = fields_of(editor.get(PAGE).content.decode()) | {"costs_money": "on", "reason": "It does"}

    response = editor.post(PAGE, sent)

    assert response.status_code == 422
    assert "must be a text" in response.content.decode()


def test_who_was_slower_sees_what_the_other_changed_and_may_save_on_top(editor, ada):
    sent = fields_of(editor.get(PAGE).content.decode()) | {"effort_days": "4", "reason": "Mine"}
    playbook.change(KEY, {"effort_days": 3}, by=ada, reason="Quicker")

    slower = editor.post(PAGE, sent)

    html = slower.content.decode()
    assert slower.status_code == 409
    assert f"{ada} has changed this play meanwhile" in html
    assert "<ins>3</ins>" in html
    again = fields_of(html)
    assert (again["effort_days"], again["reason"]) == ("4", "Mine")
    editor.post(PAGE, again)
    assert playbook.in_force().by_key[KEY].effort_days == 4


def test_a_lead_vetoes_a_play_and_releases_it_again(editor):
    vetoed = editor.post(STAND, {"what": "veto", "reason": "Not for us"}, follow=True).content.decode()

    assert "nobody gets it suggested" in vetoed
    assert playbook.in_force().by_key[KEY].standing == Standing.VETOED
    assert 'value="veto"' not in vetoed  # it would change nothing
    editor.post(STAND, {"what": "release", "reason": "Tried again"})
    assert playbook.in_force().by_key[KEY].standing == Standing.FREE


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"what": "pin", "reason": ""}, "Say why"),
        ({"what": "burn", "reason": "x"}, "“burn” is none of pin, veto and release."),
        ({"reason": "x"}, "Choose what to do."),
    ],
)
def test_an_order_that_cannot_be_is_named(editor, sent, said):
    response = editor.post(STAND, sent)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert PlaybookVersion.objects.count() == 1


def test_a_play_that_is_not_there_is_not_found(editor):
    assert editor.get("/manage/playbook/no-such-play/").status_code == 404
    assert editor.post("/manage/playbook/no-such-play/stand/", {}).status_code == 404


def test_the_library_stands_in_the_side_bar_of_who_may_read_it(client, plain, casey, otto):
    client.force_login(casey)
    assert f'<a href="{LIST}">Recommendations</a>' in client.get("/portfolio/").content.decode()

    client.force_login(otto)
    assert LIST not in client.get("/audit/").content.decode()


def test_what_a_lead_types_is_shown_as_text(editor):
    sent = fields_of(editor.get(PAGE).content.decode())
    sent |= {"why": "5 < 6 & <b>bold</b>", "reason": "<i>why</i>"}

    html = editor.post(PAGE, sent, follow=True).content.decode()

    assert "<b>bold</b>" not in html
    assert "<i>why</i>" not in html
