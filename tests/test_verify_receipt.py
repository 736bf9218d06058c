"""The verifier alone: receipts made by hand on paper, and what becomes of them when somebody changes one."""

import ast
import copy
import hashlib
import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.receipts import VERIFIER, is_equal, not_equal, verified, verifier

CHECKER = verifier()
type Document = dict[str, Any]

CARD = {
    "key": "by-hand",
    "name": "By hand",
    "version": "1",
    "sha256": "0" * 64,
    "floor_subcategory": "0.5",
    "floor_category": "0.5",
    "floor_overall": "0.6",
    "min_categories": "2",
    "provisional_below": "0.8",
    "bands": [
        {"key": "healthy", "name": "Healthy", "at_least": "80"},
        {"key": "watch", "name": "Watch", "at_least": "70"},
        {"key": "act-now", "name": "Act now", "at_least": "0"},
    ],
}


def metric(nature: str, values: dict[str, str], **more: Any) -> Document:
    told = [{"day": day, "value": value, "batch": "1", "correction": False} for day, value in values.items()]
    fixed = {"name": "m", "unit": "", "grain": "month", "cadence": "monthly", "lag": "7", "minimum": "0"}
    return {**fixed, "nature": nature, "companion": None, "values": told, "complete": [], **more}


def signal(node: str, kind: str, parameters: Document, reads: list[str], **more: Any) -> Document:
    fixed: Document = {
        "node": node,
        "name": node,
        "level": "signal",
        "kind": kind,
        "weight": "1",
        "share": None,
        "product": None,
        "owned": True,
        "exempt": False,
        "preview": False,
        "history": None,
        "flags": [],
        "parameters": parameters,
        "reads": reads,
        "state": "OK",
    }
    return fixed | more


def written(root: Document, metrics: Document, *, age: str = "400") -> bytes:
    """The receipt as it is handed out, its hash made here and now."""
    document = {
        "format": "cairn-receipt/1",
        "organization": {"id": "orchard", "name": "Orchard", "age_days": age, "contract_started": None},
        "sheet": {"day": "2026-10-20", "revision": "0", "run": "1", "watermark": "1"},
        "scorecard": CARD,
        "reads": {"months_from": "2025-07-01", "days_from": "2026-09-01", "to": "2026-10-20"},
        "batches": {"1": {"source": "paper", "arrived": "2026-10-20T00:00:00+00:00"}},
        "metrics": metrics,
        "root": root,
    }
    return rehashed(document)


def rehashed(document: Document) -> bytes:
    body = {key: value for key, value in document.items() if key != "sha256"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    said = {**body, "sha256": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def work_orders() -> bytes:
    """SCORING §2: 693 work orders in September against 564 a month over the twelve before make 61."""
    months = [f"2025-{month:02}-28" for month in (9, 10, 11, 12)]
    months += [f"2026-{month:02}-28" for month in range(1, 9)]
    orders = metric("flow", {**dict.fromkeys(months, "564"), "2026-09-28": "693"})
    root = signal(
        "field.work_order_growth",
        "growth",
        {"metric": "field.work_orders", "variant": "avg12", "per": None, "base_shift": "0.2"},
        ["field.work_orders"],
        exact="61.4361702128",
        points="61.44",
        shown="61",
        band="act-now",
        coverage="1",
        lower="61.4361702128",
        upper="61.4361702128",
        history="12/12",
        figures={"numerator": "693", "denominator": "564", "raw": "61.4361702128", "month": "2026-09"},
    )
    return written(root, {"field.work_orders": orders})


def licenses(node: str, used: str | None, of: str, weight: str, share: str | None) -> Document:
    """A share of two stocks; without a number in use it is missing."""
    known: Document = {
        "exact": None,
        "points": None,
        "shown": None,
        "band": None,
        "coverage": "0",
        "lower": "0",
        "upper": "100",
        "state": "MISSING",
        "figures": {},
    }
    if used is not None:
        points = float(used) * 100 / float(of)
        band = "healthy" if points > 80 else "watch" if points > 70 else "act-now"
        text = f"{points:.1f}"
        known = {"exact": text, "points": f"{points:.2f}", "shown": f"{points:.0f}", "band": band}
        known |= {"coverage": "1", "lower": text, "upper": text, "state": "OK"}
        known["figures"] = {"numerator": used, "denominator": of, "raw": text, "month": None}
    options = {"numerator": f"{node}.in", "denominator": f"{node}.of", "months": None, "inverse": False}
    reads = [f"{node}.in", f"{node}.of"]
    return signal(node, "ratio", options | {"target": "1"}, reads, weight=weight, share=share, **known)


def branch(
    node: str, level: str, share: str | None, state: str, numbers: str, *children: Document
) -> Document:
    """A roll-up: its numbers as exact, points, shown, band, coverage, lower, upper; - is none."""
    names = ("exact", "points", "shown", "band", "coverage", "lower", "upper")
    told = dict(zip(names, (None if text == "-" else text for text in numbers.split()), strict=True))
    fixed = {"node": node, "name": node, "level": level, "weight": "1", "share": share, "state": state}
    return {**fixed, **told, "children": list(children)}


def roll_up() -> bytes:
    """SCORING §5: 72.4, one below its floor and 81.0 at coverage 0.8 make 76.7, shown as 77, provisional."""
    adopted = "72.4 72.40 72 watch 1 72.4 72.4"
    unknown = "- - - - 0.3 15 85"
    healthy = "81 81.00 81 healthy 0.8 64.8 84.8"
    root = branch(
        "overall",
        "overall",
        None,
        "PROVISIONAL",
        "76.7 76.70 77 watch 0.7 50.733333333333 80.733333333333",
        branch(
            "pa",
            "category",
            "0.5",
            "OK",
            adopted,
            branch("pa/a", "subcategory", "1", "OK", adopted, licenses("pa.used", "724", "1000", "1", "1")),
        ),
        branch(
            "ce",
            "category",
            None,
            "INSUFFICIENT_DATA",
            unknown,
            branch(
                "ce/a",
                "subcategory",
                None,
                "INSUFFICIENT_DATA",
                unknown,
                licenses("ce.known", "50", "100", "3", "1"),
                licenses("ce.silent", None, "100", "7", None),
            ),
        ),
        branch(
            "th",
            "category",
            "0.5",
            "OK",
            healthy,
            branch(
                "th/a",
                "subcategory",
                "1",
                "OK",
                healthy,
                licenses("th.known", "81", "100", "4", "1"),
                licenses("th.silent", None, "100", "1", None),
            ),
        ),
    )
    numbers = {"pa.used": ("724", "1000"), "ce.known": ("50", "100"), "th.known": ("81", "100")}
    metrics: Document = {}
    for node in ("pa.used", "ce.known", "ce.silent", "th.known", "th.silent"):
        used, of = numbers.get(node, (None, "100"))
        metrics[f"{node}.in"] = metric("stock", {} if used is None else {"2026-10-05": used})
        metrics[f"{node}.of"] = metric("stock", {"2026-10-05": of})
    return written(root, metrics)


# ---------- by hand ----------


def test_receipt_made_by_hand_of_693_against_564_verifies(tmp_path):
    said = verified(tmp_path, work_orders())

    assert (said.returncode, said.stderr) == (0, "")
    assert "equal      field.work_order_growth: 61.44 (61), OK" in said.stdout
    assert "EQUAL: all 1 nodes" in said.stdout


def test_roll_up_of_the_book_made_by_hand_verifies_down_to_its_leaves(tmp_path):
    said = verified(tmp_path, roll_up())

    assert (said.returncode, said.stderr) == (0, "")
    assert "equal      overall: 76.70 (77), PROVISIONAL" in said.stdout
    assert "equal      ce: no number, INSUFFICIENT_DATA" in said.stdout
    assert "EQUAL: all 12 nodes" in said.stdout


@pytest.mark.parametrize(
    ("points", "published", "on_screen"),
    [
        (62.5, "62.50", "62"),
        (63.5, "63.50", "64"),
        (99.6, "99.60", "100"),
        (0.005, "0.00", "0"),
        (0.015, "0.02", "0"),
        (61.435, "61.44", "61"),
        (61.4350000000001, "61.44", "61"),
        (100 / 3, "33.33", "33"),
    ],
)
def test_points_are_rounded_once_half_to_even(points, published, on_screen):
    assert CHECKER.canonical(points) == published
    assert CHECKER.shown(published) == on_screen


def test_growth_needs_three_months_of_its_base():
    months = ("2026-06-28", "2026-07-28", "2026-08-28")
    of_three, of_two = (json.loads(work_orders()) for _ in range(2))
    keep(of_three, *months)
    of_three["root"] |= {"history": "3/12", "coverage": "0.25"}
    of_three["root"] |= {"lower": "15.3590425532", "upper": "90.3590425532"}
    keep(of_two, *months[1:])
    of_two["root"] |= {"history": "2/12", "state": "INSUFFICIENT_HISTORY", "figures": {}}
    of_two["root"] |= dict.fromkeys(("exact", "points", "shown", "band", "coverage", "lower", "upper"), None)

    assert not_equal(CHECKER.verify(rehashed(of_three))[0]) == []
    assert not_equal(CHECKER.verify(rehashed(of_two))[0]) == []


def keep(document: Document, *days: str) -> None:
    """Forget all work orders but those of these days and the newest."""
    orders = document["metrics"]["field.work_orders"]
    orders["values"] = [each for each in orders["values"] if each["day"] in (*days, "2026-09-28")]


# ---------- changed ----------


@pytest.mark.parametrize("receipt", [work_orders(), roll_up()], ids=["signal", "roll-up"])
def test_any_changed_byte_fails(receipt):
    every = range(0, len(receipt), max(1, len(receipt) // 200))

    content = [at for at in every if is_equal(CHECKER, changed(receipt, at))]

    assert is_equal(CHECKER, receipt)
    assert content == []


@settings(max_examples=50, deadline=None)
@given(data=some.data())
def test_any_byte_changed_to_any_other_fails(data):
    receipt = work_orders()
    at = data.draw(some.integers(0, len(receipt) - 1))
    other = data.draw(some.integers(0, 255).filter(lambda byte: byte != receipt[at]))

    assert not is_equal(CHECKER, receipt[:at] + bytes([other]) + receipt[at + 1 :])


def changed(receipt: bytes, at: int) -> bytes:
    return receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\n",
        lambda raw: raw[:-1],
        lambda raw: b"\xef\xbb\xbf" + raw,
        lambda raw: json.dumps(json.loads(raw), indent=1).encode(),
        lambda raw: raw.replace(b'{"batches"', b'{"batches":{},"batches"', 1),
    ],
    ids=["line added", "cut", "byte order mark", "laid out anew", "key twice"],
)
def test_file_written_anew_is_not_the_file(change, tmp_path, capsys):
    (tmp_path / "receipt.json").write_bytes(change(work_orders()))

    assert CHECKER.main([str(tmp_path / "receipt.json")]) == 1
    assert "NOT VERIFIED" in capsys.readouterr().err


def tampered(raw: bytes, *path: str | int, to: Any) -> bytes:
    """The receipt with one thing changed and the hash made to fit."""
    document = json.loads(raw)
    place = document
    for step in path[:-1]:
        place = place[step]
    assert place[path[-1]] != to
    place[path[-1]] = to
    return rehashed(document)


ORDERS = ("metrics", "field.work_orders", "values")


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ((*ORDERS, 12, "value"), "694"),
        ((*ORDERS, 0, "value"), "563"),
        ((*ORDERS, 12, "day"), "2026-10-01"),
        (("root", "points"), "61.43"),
        (("root", "exact"), "61.4361712"),
        (("root", "shown"), "62"),
        (("root", "band"), "watch"),
        (("root", "state"), "STALE_GRACE"),
        (("root", "history"), "11/12"),
        (("root", "coverage"), "0.9"),
        (("root", "lower"), "61.43"),
        (("root", "flags"), ["FROM_ZERO"]),
        (("root", "figures", "numerator"), "694"),
        (("root", "figures", "month"), "2026-08"),
        (("root", "parameters", "variant"), "yoy"),
        (("root", "owned"), False),
        (("root", "exempt"), True),
        (("organization", "age_days"), "90"),
        (("sheet", "day"), "2026-12-09"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_number_changed_with_its_hash_is_found_by_working_it_out(path, to):
    raw = tampered(work_orders(), *path, to=to)

    lines, is_good = CHECKER.verify(raw)

    assert not is_good
    assert not_equal(lines)


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("root", "children", 0, "weight"), "2"),
        (("root", "children", 0, "share"), "0.6"),
        (("root", "children", 1, "state"), "OK"),
        (("root", "upper"), "80.7"),
        (("root", "state"), "OK"),
        (("scorecard", "floor_overall"), "0.71"),
        (("scorecard", "floor_subcategory"), "0.3"),
        (("scorecard", "min_categories"), "3"),
        (("scorecard", "provisional_below"), "0.7"),
        (("organization", "age_days"), "30"),
        (("root", "children", 1, "children", 0, "children", 1, "weight"), "0.1"),
        (("root", "children", 1, "children", 0, "children", 1, "preview"), True),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_roll_up_changed_with_its_hash_is_found_by_working_it_out(path, to):
    assert not CHECKER.verify(tampered(roll_up(), *path, to=to))[1]


def test_every_node_that_differs_is_named(tmp_path):
    said = verified(tmp_path, tampered(roll_up(), "metrics", "pa.used.in", "values", 0, "value", to="725"))

    assert said.returncode == 1
    assert "NOT EQUAL  pa.used: 72.40 (72), OK" in said.stdout
    assert "NOT EQUAL  overall: 76.70 (77), PROVISIONAL" in said.stdout
    assert "equal      th: 81.00 (81), OK" in said.stdout
    assert "NOT EQUAL: 4 of 12 nodes differ" in said.stdout


# ---------- broken ----------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not a JSON file"),
        (b"\xff\xfe", "not a JSON file"),
        (b"[" * 100_000, "not a JSON file"),
        (b"[]", "not a receipt"),
        (b'{"format":"cairn-receipt/2"}', "not a receipt"),
        (b'{"format":"cairn-receipt/1"}', "was changed"),
    ],
    ids=["empty", "no text", "too deep", "a list", "another format", "no hash"],
)
def test_file_that_is_no_receipt_is_refused_in_words(raw, why, tmp_path, capsys):
    (tmp_path / "receipt.json").write_bytes(raw)

    assert CHECKER.main([str(tmp_path / "receipt.json")]) == 1
    assert why in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "to", "why"),
    [
        (("root", "kind"), "guess", "unknown kind"),
        (("root", "parameters"), {}, "missing"),
        (("root", "parameters", "metric"), "elsewhere", "missing"),
        (("sheet", "day"), "someday", "not a day"),
        ((*ORDERS, 0, "value"), "1e999", "not a finite number"),
        ((*ORDERS, 0, "value"), 564, "number written as text"),
        ((*ORDERS, 0, "day"), "2026-09-28", "two values"),
        (("metrics",), [], "missing"),
    ],
    ids=["kind", "options", "metric", "day", "infinite", "no text", "twice", "list"],
)
def test_broken_part_is_named_and_never_a_crash(path, to, why):
    with pytest.raises(CHECKER.Broken, match=why):
        CHECKER.verify(tampered(work_orders(), *path, to=to))


def test_whatever_is_missing_it_is_refused_and_never_a_crash():
    whole = json.loads(roll_up())
    for path in paths(whole):
        document = copy.deepcopy(whole)
        place = document
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

        is_equal(CHECKER, rehashed(document))  # any other exception than Broken would be raised here


def paths(place: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = list(place) if isinstance(place, dict) else range(len(place)) if isinstance(place, list) else []
    return [found for key in keys for found in ((*above, key), *paths(place[key], (*above, key)))]


def test_no_file_and_no_name_end_with_words(tmp_path, capsys):
    assert CHECKER.main([str(tmp_path / "nowhere.json")]) == 1
    assert "Cannot read" in capsys.readouterr().err
    assert CHECKER.main([]) == 1
    assert "python3 verify_receipt.py receipt.json" in capsys.readouterr().out


def test_of_several_files_one_bad_one_is_enough(tmp_path):
    said = verified(tmp_path, work_orders(), work_orders()[:-1], roll_up())

    assert said.returncode == 1
    assert said.stdout.count("EQUAL: all") == 2


def test_name_that_steers_a_terminal_is_printed_without_it(tmp_path):
    raw = tampered(work_orders(), "organization", "name", to="Orchard\x1b[2J\r\nEQUAL")

    said = verified(tmp_path, raw)

    assert "\x1b" not in said.stdout
    assert "Orchard?[2J??EQUAL" in said.stdout


def test_it_uses_nothing_but_the_standard_library():
    tree = ast.parse(VERIFIER.read_text())
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert names <= set(sys.stdlib_module_names)
    assert names.isdisjoint({"os", "subprocess", "socket", "urllib", "http", "importlib"})


def test_it_runs_on_older_pythons():
    ast.parse(VERIFIER.read_text(), feature_version=(3, 8))
