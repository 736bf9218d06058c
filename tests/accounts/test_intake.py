"""Organizations from files: the good lines go in, the others are listed with the reason."""

import gzip
import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.intake import IntakeRefused, IntakeReport, import_organizations
from accounts.models import Membership, Organization, PlanInterval, Product, Role, User

HEADER = "external_id,name,plan,plan_from,plan_to,industry,region,seats,products,parent,scorecard,csm\n"
ORCHARD = (
    "C-1,Orchard,signature,2024-01-01,2027-01-01,Retail,EMEA,120,sales;platform,,customer-success,"
    "casey@vendor.example\n"
)


@pytest.fixture
def products(db: None) -> None:
    for key in ("sales", "platform"):
        Product.objects.create(key=key, name=key.title())


def take(folder: Path, text: str | bytes, **options: object) -> IntakeReport:
    path = folder / "customers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    report = import_organizations(path, **options)
    assert report.adds_up
    return report


def counts(report: IntakeReport) -> dict[str, int]:
    return {name: getattr(report, name) for name in report.COUNTS if getattr(report, name)}


def complaints(report: IntakeReport) -> list[tuple[int, str]]:
    return [(one.line, one.field) for one in report.refusals]


# ---------- a file that is as it should be ----------


def test_everything_a_line_says_is_there_afterwards(tmp_path, products):
    report = take(tmp_path, HEADER + ORCHARD + "C-2,Orchard North,,,,,,,,C-1,,\n")

    assert counts(report) == {"created": 2}
    orchard, north = Organization.objects.order_by("external_id")
    assert (orchard.slug, orchard.name, orchard.industry, orchard.region) == (
        "orchard",
        "Orchard",
        "Retail",
        "EMEA",
    )
    assert (orchard.seats, orchard.scorecard) == (120, "customer-success")
    assert sorted(orchard.products.values_list("key", flat=True)) == ["platform", "sales"]
    interval = orchard.plan_intervals.get()
    assert (interval.plan, interval.source) == ("signature", "customers.csv")
    assert (interval.starts_at, interval.ends_at) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert Membership.objects.get(role=Role.CSM).user.email == "casey@vendor.example"
    assert north.parent == orchard


def test_same_file_again_changes_nothing(tmp_path, products):
    take(tmp_path, HEADER + ORCHARD)

    report = take(tmp_path, HEADER + ORCHARD)

    assert counts(report) == {"unchanged": 1}
    assert (Organization.objects.count(), PlanInterval.objects.count(), Membership.objects.count()) == (
        1,
        1,
        1,
    )


def test_empty_cells_leave_what_is_there(tmp_path, products):
    take(tmp_path, HEADER + ORCHARD)

    report = take(tmp_path, HEADER + "C-1,,,,,,,250,,,,\n")

    assert counts(report) == {"updated": 1}
    orchard = Organization.objects.get()
    assert (orchard.name, orchard.industry, orchard.seats) == ("Orchard", "Retail", 250)
    assert orchard.products.count() == 2
    assert orchard.plan_intervals.count() == 1


def test_slug_stays_when_the_name_changes_and_namesakes_get_their_own(tmp_path, products):
    take(tmp_path, "external_id,name\nC-1,Orchard\nC-2,Orchard\nC-3,Örchard!\nC-4,株式会社\n")

    take(tmp_path, "external_id,name\nC-1,Meadow\nC-5,Orchard\n")

    slugs = dict(Organization.objects.values_list("external_id", "slug"))
    assert slugs == {
        "C-1": "orchard",
        "C-2": "orchard-2",
        "C-3": "orchard-3",
        "C-4": "c-4",
        "C-5": "orchard-4",
    }
    assert Organization.objects.get(external_id="C-1").name == "Meadow"


def test_parent_may_come_later_in_the_file(tmp_path, products):
    report = take(tmp_path, "external_id,name,parent\nC-2,North,C-1\nC-1,Orchard,\n")

    assert counts(report) == {"created": 2}
    assert Organization.objects.get(external_id="C-2").parent.external_id == "C-1"


def test_known_organization_moves_below_another_parent(tmp_path, products):
    take(tmp_path, "external_id,name,parent\nC-1,One,\nC-2,Two,\nC-3,Three,C-1\n")

    report = take(tmp_path, "external_id,parent\nC-3,C-2\nC-2,C-1\n")

    assert counts(report) == {"updated": 2}
    parents = dict(Organization.objects.values_list("external_id", "parent__external_id"))
    assert parents == {"C-1": None, "C-2": "C-1", "C-3": "C-2"}


def test_known_person_becomes_csm_and_a_new_one_is_made_without_a_password(tmp_path, products):
    casey = User.objects.create_user("casey@vendor.example", "a quiet harbor at dusk")

    take(tmp_path, "external_id,name,csm\nC-1,Orchard,Casey@Vendor.example\nC-2,Harbor,new@vendor.example\n")

    assert casey.memberships.get().organization.external_id == "C-1"
    assert not User.objects.get(email="new@vendor.example").has_usable_password()
    assert User.objects.count() == 2


def test_csm_who_was_handed_over_comes_back(tmp_path, products):
    take(tmp_path, HEADER + ORCHARD)
    Membership.objects.update(ends_at=datetime(2030, 1, 1, tzinfo=UTC))

    report = take(tmp_path, HEADER + ORCHARD)

    assert counts(report) == {"updated": 1}
    assert Membership.objects.get().ends_at is None


def test_json_lines_and_gzip_are_read_like_csv(tmp_path, products):
    lines = [
        {"external_id": "C-1", "name": "Orchard", "seats": 5, "products": ["sales", "platform"]},
        {"external_id": "C-2", "name": "Harbor", "parent": None},
    ]

    report = take(tmp_path, gzip.compress("\n".join(map(json.dumps, lines)).encode()))

    assert counts(report) == {"created": 2}
    orchard = Organization.objects.get(external_id="C-1")
    assert (orchard.seats, orchard.products.count()) == (5, 2)


def test_ten_thousand_lines_take_few_queries(tmp_path, products, django_assert_max_num_queries):
    lines = "".join(
        f"C-{n},Customer,signature,2024-01-01,,,,5,sales,,,casey@vendor.example\n" for n in range(2000)
    )

    with django_assert_max_num_queries(80):
        report = take(tmp_path, HEADER + lines)

    assert counts(report) == {"created": 2000}
    assert Organization.objects.filter(slug="customer-2000").exists()


# ---------- plans over time ----------


def test_plans_follow_each_other_on_lines_of_their_own(tmp_path, products):
    report = take(
        tmp_path,
        "external_id,name,plan,plan_from,plan_to\n"
        "C-1,Orchard,standard,2023-01-01,2024-01-01\nC-1,,signature,2024-01-01,\n",
    )

    assert counts(report) == {"created": 1, "updated": 1}
    assert list(PlanInterval.objects.values_list("plan", flat=True)) == ["standard", "signature"]


def test_overlapping_plans_are_refused_naming_both_and_the_rest_of_the_line_stays_out(tmp_path, products):
    take(tmp_path, HEADER + ORCHARD)

    report = take(tmp_path, HEADER + "C-1,Meadow,premier,2026-12-31,,,,,,,,\n")

    assert complaints(report) == [(2, "plan")]
    assert report.refusals[0].reason == (
        "Premier from 2026-12-31 without end overlaps Signature from 2024-01-01 until 2027-01-01"
    )
    assert Organization.objects.get().name == "Orchard"


def test_plan_of_the_same_begin_is_brought_up_to_date(tmp_path, products):
    take(tmp_path, HEADER + ORCHARD)

    report = take(tmp_path, "external_id,plan,plan_from,plan_to\nC-1,premier,2024-01-01,2028-01-01\n")

    assert counts(report) == {"updated": 1}
    interval = PlanInterval.objects.get()
    assert (interval.plan, interval.ends_at) == ("premier", datetime(2028, 1, 1, tzinfo=UTC))


def test_plan_may_begin_on_the_day_the_other_ends(tmp_path, products):
    take(tmp_path, HEADER + ORCHARD)

    report = take(tmp_path, "external_id,plan,plan_from\nC-1,premier,2027-01-01\n")

    assert counts(report) == {"updated": 1}


# ---------- lines that cannot be ----------


@pytest.mark.parametrize(
    ("line", "field", "reason"),
    [
        (",Orchard,,,,,,,,,,", "external_id", "is missing"),
        ("C-1,,,,,,,,,,,", "name", "a new organization needs one"),
        ("C-1,Orchard,gold,2024-01-01,,,,,,,,", "plan", "'gold' is none of signature, premier, standard"),
        ("C-1,Orchard,premier,,,,,,,,,", "plan_from", "since when"),
        ("C-1,Orchard,,2024-01-01,,,,,,,,", "plan", "is missing beside plan_from"),
        ("C-1,Orchard,premier,2024-02-30,,,,,,,,", "plan_from", "'2024-02-30' is not a day"),
        ("C-1,Orchard,premier,2024-01-01,2024-01-01,,,,,,,", "plan_to", "is not after plan_from"),
        ("C-1,Orchard,,,2024-01-01,,,,,,,", "plan_from", "is missing beside plan_to"),
        ("C-1,Orchard,,,,,,0,,,,", "seats", "'0' is not a whole number of seats"),
        ("C-1,Orchard,,,,,,1.5,,,,", "seats", "not a whole number"),
        ("C-1,Orchard,,,,,,١٢,,,,", "seats", "not a whole number"),
        ("C-1,Orchard,,,,,,99999999999,,,,", "seats", "not a whole number"),
        ("C-1,Orchard,,,,,,,sales;moon,,,", "products", "'moon' is not known; known are platform, sales"),
        ("C-1,Orchard,,,,,,,,C-9,,", "parent", "no organization has the external id 'C-9'"),
        ("C-1,Orchard,,,,,,,,C-1,,", "parent", "is or stands below"),
        ("C-1,Orchard,,,,,,,,,a card,", "scorecard", "no key of a scorecard"),
        ("C-1,Orchard,,,,,,,,,,casey", "csm", "no e-mail address"),
        ("C-1," + "x" * 201 + ",,,,,,,,,,", "name", "longer than 200 characters"),
        ("C-1,Orch\x00ard,,,,,,,,,,", "name", "cannot be printed"),
        ("C-1,Orchard", "", "not as many cells"),
    ],
)
def test_line_that_cannot_be_is_refused_with_its_field_and_the_good_ones_go_in(
    tmp_path, products, line, field, reason
):
    report = take(tmp_path, HEADER + "C-0,Meadow,,,,,,,,,,\n" + line + "\nC-8,Harbor,,,,,,,,,,\n")

    assert counts(report) == {"created": 2, "refused": 1}
    assert (report.refusals[0].line, report.refusals[0].field) == (3, field)
    assert reason in report.refusals[0].reason
    assert sorted(Organization.objects.values_list("external_id", flat=True)) == ["C-0", "C-8"]


def test_organization_that_is_refused_leaves_no_child_behind(tmp_path, products):
    report = take(tmp_path, "external_id,name,parent,seats\nC-3,Leaf,C-2,\nC-2,Branch,C-1,\nC-1,Root,,none\n")

    assert complaints(report) == [(4, "seats"), (3, "parent"), (2, "parent")]
    assert not Organization.objects.exists()


def test_circle_of_parents_is_refused_where_it_closes(tmp_path, products):
    take(tmp_path, "external_id,name,parent\nC-1,One,\nC-2,Two,C-1\n")

    report = take(tmp_path, "external_id,name,parent\nC-3,Three,C-2\nC-1,,C-3\n")

    assert counts(report) == {"created": 1, "refused": 1}
    assert complaints(report) == [(3, "parent")]
    assert Organization.objects.get(external_id="C-1").parent is None


def test_lines_that_cannot_be_read_are_refused_beside_the_others(tmp_path, products):
    report = take(tmp_path, b"external_id,name\nC-1,Orch\xe4rd\nC-2," + b"x" * 70_000 + b"\nC-3,Harbor\n")

    assert counts(report) == {"created": 1, "refused": 2}
    assert [one.reason for one in report.refusals] == ["is not UTF-8", "is longer than 64 kB"]


# ---------- files and maps that cannot be ----------


def test_unknown_column_is_one_clear_error(tmp_path, products):
    with pytest.raises(
        IntakeRefused, match="column 'nmae' that is not known; known are external_id, name, plan"
    ):
        take(tmp_path, "external_id,nmae\nC-1,Orchard\n")

    assert not Organization.objects.exists()


def test_file_without_external_ids_is_one_clear_error(tmp_path, products):
    with pytest.raises(IntakeRefused, match="no column 'external_id'; it has name"):
        take(tmp_path, "name\nOrchard\n")


MAP = """
[organizations]
external_id = "code"
name = "country"
values = { scorecard = "git-activity" }
except = { code = "EU" }
"""


def mapped(folder: Path, text: str, mapping: str = MAP) -> IntakeReport:
    (folder / "map.toml").write_text(mapping)
    return take(folder, text, map_path=folder / "map.toml")


def test_foreign_table_names_each_organization_once_through_a_map(tmp_path, products):
    report = mapped(
        tmp_path,
        "n,code,country,year\n"
        "1,US,USA,2020\n2,EU,Union,2020\n3,US,United States,2021\n4,NZ,New Zealand,2021\n",
    )

    assert counts(report) == {"created": 2, "repeated": 1, "filtered": 1}
    assert set(Organization.objects.values_list("slug", "name", "scorecard")) == {
        ("usa", "USA", "git-activity"),
        ("new-zealand", "New Zealand", "git-activity"),
    }


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ("[organizations", "is not TOML"),
        ("[organization]\n", r"needs a table \[organizations\]"),
        (MAP.replace("name =", "nmae ="), "knows no 'nmae'"),
        (MAP.replace("external_id", "region"), "needs external_id"),
        (MAP.replace('"country"', "3"), "name is a text"),
        (MAP.replace("scorecard =", "name ="), "name is a column or a value, not both"),
        (MAP.replace('"EU"', "[]"), "except.code is a text or a list of texts"),
        (MAP.replace('{ code = "EU" }', '"EU"'), "except is a table"),
        (MAP.replace('"country"', '"land"'), "has no column 'land'; it has n, code, country, year"),
    ],
)
def test_map_that_cannot_be_is_one_clear_error(tmp_path, products, mapping, complaint):
    with pytest.raises(IntakeRefused, match=complaint):
        mapped(tmp_path, "n,code,country,year\n1,US,USA,2020\n", mapping)

    assert not Organization.objects.exists()


# ---------- the command ----------


def test_command_lists_refused_lines_and_counts(tmp_path, products):
    path = tmp_path / "customers.csv"
    path.write_text("external_id,name,seats\nC-1,Orchard,5\nC-2,Harbor,none\n")
    out = StringIO()

    call_command("import_organizations", str(path), stdout=out)

    assert [" ".join(line.split()) for line in out.getvalue().splitlines()] == [
        "customers.csv",
        "2 lines read",
        "1 created",
        "0 updated",
        "0 unchanged",
        "1 refused",
        "line 3: seats: 'none' is not a whole number of seats, 1 or more",
    ]


def test_dry_run_prints_the_same_report_and_writes_nothing(tmp_path, products):
    path = tmp_path / "customers.csv"
    path.write_text(HEADER + ORCHARD)
    dry, wet = StringIO(), StringIO()

    call_command("import_organizations", str(path), "--json", "--dry-run", stdout=dry)

    assert not Organization.objects.exists()
    assert not User.objects.exists()
    call_command("import_organizations", str(path), "--json", stdout=wet)
    assert json.loads(dry.getvalue()) == json.loads(wet.getvalue()) | {"dry_run": True}


def test_command_says_in_one_line_what_is_wrong_with_a_file(tmp_path, products):
    with pytest.raises(CommandError, match=r"nowhere\.csv: No such file or directory"):
        call_command("import_organizations", str(tmp_path / "nowhere.csv"))
