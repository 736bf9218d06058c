"""What the import contracts and the tools' settings cannot say themselves."""

from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
APPS = ("accounts", "scoring", "recommendations", "portal")
# Pages may name a model for an annotation (the contracts skip such imports); nothing else may hide one so.
MAY_NAME_MODELS = {"pages", "views.py", "api.py", "views", "api"}


def test_only_pages_and_endpoints_import_for_annotations_alone() -> None:
    hiding = [path.relative_to(HERE) for app in APPS for path in (HERE / app).rglob("*.py") if hides(path)]

    assert [str(path) for path in hiding if path.parts[1] not in MAY_NAME_MODELS] == []


def test_lock_names_no_registry() -> None:
    assert "://" not in (HERE / "requirements.lock").read_text()


def hides(path: Path) -> bool:
    return "TYPE_CHECKING" in path.read_text(encoding="utf-8")
