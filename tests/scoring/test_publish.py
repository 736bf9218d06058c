"""Publishing a scorecard: checked whole, numbered, never edited, its metrics given slots for good."""

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Product
from scoring import pack, publish
from scoring.engine import ScorecardInvalid
from scoring.models import Metric, ScorecardVersion
from tests.factories import SMALL_CARD, publish_small_card

pytestmark = pytest.mark.django_db

HEAVIER = SMALL_CARD.replace("weight = 50", "weight = 60")


def test_first_version_scores_the_past_too():
    version = publish_small_card()

    assert (version.key, version.number) == ("customer-success", 1)
    assert publish.in_force("customer-success", date(2010, 1, 1)) == version


def test_same_text_is_the_same_version():
    first = publish_small_card()

    assert publish_small_card() == first
    assert ScorecardVersion.objects.count() == 1


def test_change_is_the_next_version_and_leaves_the_first_alone():
    first = publish_small_card()

    second = publish_small_card(HEAVIER)

    assert second.number == 2
    first.refresh_from_db()
    assert first.text == SMALL_CARD
    assert publish.card_of(first).categories[0].weight == 50
    assert publish.card_of(second).categories[0].weight == 60


def test_change_scores_from_its_day_on():
    first = publish_small_card()

    second = publish_small_card(HEAVIER, effective_on=date(2026, 10, 1))

    assert publish.in_force("customer-success", date(2026, 9, 30)) == first
    assert publish.in_force("customer-success", date(2026, 10, 1)) == second


def test_going_back_to_an_older_text_is_a_version_of_its_own():
    publish_small_card(effective_on=date(2026, 1, 1))
    publish_small_card(HEAVIER, effective_on=date(2026, 2, 1))

    third = publish_small_card(effective_on=date(2026, 3, 1))

    assert third.number == 3
    assert publish.in_force("customer-success", date(2026, 3, 1)) == third


def test_two_versions_of_one_day_leave_the_later_in_force():
    publish_small_card(effective_on=date(2026, 1, 1))

    second = publish_small_card(HEAVIER, effective_on=date(2026, 1, 1))

    assert publish.in_force("customer-success", date(2026, 5, 5)) == second


def test_nothing_is_in_force_before_the_first_version():
    publish_small_card(effective_on=date(2026, 1, 1))

    assert publish.in_force("customer-success", date(2025, 12, 31)) is None
    assert publish.in_force("elsewhere", date(2026, 1, 1)) is None


def test_products_and_metrics_become_known():
    publish_small_card()

    assert set(Product.objects.values_list("key", "name")) == {("sales", "Sales"), ("platform", "Platform")}
    work_orders = Metric.objects.get(key="sales.work_orders")
    assert (work_orders.name, work_orders.unit, work_orders.product) == (
        "Work orders",
        "work orders",
        "sales",
    )
    assert (work_orders.nature, work_orders.grain, work_orders.cadence, work_orders.lag) == (
        "flow",
        "month",
        "monthly",
        7,
    )


def test_every_metric_has_a_place_of_its_own():
    publish_small_card()

    taken = {daily: [] for daily in (True, False)}
    for metric in Metric.objects.all():
        width = 1 if metric.daily else pack.places(metric.nature)
        taken[metric.daily] += range(metric.slot, metric.slot + width)
    for places in taken.values():
        assert sorted(places) == list(range(len(places)))


def test_slot_of_a_metric_that_no_scorecard_names_any_more_is_not_given_away():
    publish_small_card()
    before = {metric.key: (metric.daily, metric.slot) for metric in Metric.objects.all()}

    publish_small_card(renamed("reviews.satisfaction", "reviews.mood"))
    publish_small_card(renamed("platform.errors", "platform.crashes"))

    after = {metric.key: (metric.daily, metric.slot) for metric in Metric.objects.all()}
    assert after.items() > before.items()
    assert len(set(after.values())) == len(after)


def test_scorecards_share_a_metric_of_the_same_key():
    publish_small_card()
    before = dict(Metric.objects.values_list("key", "slot"))

    publish_small_card(SMALL_CARD.replace('key = "customer-success"', 'key = "second"', 1))

    assert dict(Metric.objects.values_list("key", "slot")) == before
    assert publish.scorecard_keys() == ["customer-success", "second"]


def test_range_and_lag_of_a_metric_may_change():
    publish_small_card()

    publish_small_card(changed_metric("sales.work_orders", "lag = 9\nmaximum = 5000"))

    metric = Metric.objects.get(key="sales.work_orders")
    assert (metric.lag, metric.maximum) == (9, 5000)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            'nature = "flow"\ngrain = "month"',
            'nature = "stock"\ngrain = "month"',
            'metric "sales.work_orders".nature: is flow for good and cannot become stock: take a new key',
        ),
        (
            'nature = "gauge"\ngrain = "month"\ncadence = "monthly"',
            'nature = "gauge"\ngrain = "day"\ncadence = "daily"',
            'metric "reviews.satisfaction".grain: is month for good and cannot become day: take a new key',
        ),
    ],
)
def test_nature_and_grain_of_a_metric_never_change(before, after, problem):
    publish_small_card()
    known = list(Metric.objects.values())

    with pytest.raises(ScorecardInvalid) as refused:
        publish_small_card(SMALL_CARD.replace(before, after))

    assert str(refused.value) == problem
    assert list(Metric.objects.values()) == known
    assert ScorecardVersion.objects.count() == 1


def test_invalid_file_writes_nothing_and_names_every_place():
    text = HEAVIER.replace('name = "Sales"', 'name = "Sales Cloud"', 1)
    text = text.replace('kind = "growth"', 'kind = "magic"').replace("weight = 0.5", "weight = 0")

    with pytest.raises(ScorecardInvalid) as refused:
        publish_small_card(text)

    problems = dict(refused.value.problems)
    assert len(problems) == 3
    assert any("momentum" in path and path.endswith(".weight") for path in problems)
    assert any("sales.work_order_growth" in path and path.endswith(".kind") for path in problems)
    assert any("reviews.satisfaction" in path and path.endswith(".weight") for path in problems)
    assert not ScorecardVersion.objects.exists()
    assert not Metric.objects.exists()
    assert not Product.objects.exists()


def test_command_publishes_a_file(tmp_path, capsys):
    path = tmp_path / "card.toml"
    path.write_text(SMALL_CARD)

    call_command("publish_scorecard", path)

    assert "Customer Success Score v1" in capsys.readouterr().out
    assert ScorecardVersion.objects.get().text == SMALL_CARD


def test_command_lists_every_problem_of_a_file(tmp_path):
    path = tmp_path / "card.toml"
    path.write_text(
        SMALL_CARD.replace("weight = 50", "weight = -1").replace('kind = "growth"', 'kind = "magic"')
    )

    with pytest.raises(CommandError) as refused:
        call_command("publish_scorecard", path)

    text = str(refused.value)
    assert str(path) in text
    assert 'category[1] "product-adoption".weight' in text
    assert 'signal[2] "sales.work_order_growth".kind' in text


@pytest.mark.parametrize("content", [b"key = [", b"\xff\xfe"])
def test_command_says_why_a_file_cannot_be_read(content, tmp_path):
    path = tmp_path / "card.toml"
    path.write_bytes(content)

    with pytest.raises(CommandError, match=r"card\.toml"):
        call_command("publish_scorecard", path)


def test_command_says_that_a_file_is_not_there(tmp_path):
    with pytest.raises(CommandError, match=r"Cannot read .*none\.toml: No such file"):
        call_command("publish_scorecard", tmp_path / "none.toml")


def test_change_published_without_a_day_scores_from_today_on():
    publish_small_card()

    second = publish_small_card(HEAVIER)

    assert abs(second.effective_on - second.published_at.date()) <= timedelta(days=1)


def renamed(key: str, new: str) -> str:
    """The metric under a new key; its signal reads that one."""
    return SMALL_CARD.replace(f'key = "{key}"', f'key = "{new}"', 1).replace(
        f'metric = "{key}"', f'metric = "{new}"'
    )


def changed_metric(key: str, lines: str) -> str:
    return SMALL_CARD.replace(f'key = "{key}"\n', f'key = "{key}"\n{lines}\n', 1)
