"""The house keeps its rules: docstrings, README settings, patterns page, styles, addresses, icons."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("accounts", "scoring", "recommendations", "portal")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
MODULES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)


def named(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text())

    assert ast.get_docstring(tree) or not tree.body, f"{named(path)} has no docstring"


@pytest.mark.parametrize("path", COMPONENTS, ids=named)
def test_component_stands_on_the_patterns_page(path):
    page = (ROOT / "templates" / "portal" / "patterns.html").read_text()

    assert f'"components/{path.name}"' in page


@pytest.mark.parametrize("path", COMPONENTS, ids=named)
def test_component_lists_its_inputs_first(path):
    assert re.match(r"\{# [a-z].*? #\}", path.read_text(), re.S)


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_components_are_included_with_their_inputs_only(path):
    included = re.findall(r"\{% include ([^%]+) %\}", path.read_text())

    assert [each for each in included if not each.endswith(" only")] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_template_holds_nothing_a_strict_policy_refuses(path):
    text = path.read_text()

    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=named)
def test_template_leaves_formatting_of_numbers_to_scores(path):
    assert "floatformat" not in path.read_text()


@pytest.mark.parametrize("path", STYLES, ids=named)
def test_style_sheet_is_short_and_keeps_colors_to_the_tokens(path):
    lines = path.read_text().splitlines()

    assert len(lines) <= 400
    if path.name != "tokens.css":
        assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", path.read_text())


def test_style_sheets_are_all_loaded():
    text = "".join(path.read_text() for path in TEMPLATES)

    assert {path.name for path in STYLES} == set(re.findall(r'static "css/([^"]+)"', text))


# Classes that no file names whole, and why they are in use all the same.
UNNAMED = {
    "plot--tall": "components/plot.html puts its size together",
    "solo--wide": "how_scoring_works.html and others give it in a block",
}


def test_style_sheets_hold_no_class_that_nothing_uses():
    """Templates name them in `class`, modules and scripts on a line that speaks of a class."""
    style = "".join(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S) for path in STYLES)
    defined = set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r'"[^"]*"', "", style)))
    used = set(UNNAMED)
    for path in TEMPLATES:
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", path.read_text(), flags=re.S)
        used |= {name for names in re.findall(r'class="([^"]*)"', text) for name in names.split()}
    for path in (*MODULES, *(ROOT / "static" / "js").glob("*.js")):
        lines = [line for line in path.read_text().splitlines() if "class" in line]
        used |= {name for line in lines for name in re.findall(r"[\w-]+", line)}

    assert defined - used == set()


def test_every_setting_of_the_environment_is_in_the_readme():
    """The variables are those that settings.py asks the environment for."""
    text = (ROOT / "portal" / "settings.py").read_text()
    named_in = re.findall(r'(?:env(?:\.\w+)?|whole|yes_or_no|url_of)\(\s*"([A-Z_]+)"', text)
    table = set(re.findall(r"^\| `([A-Z_]+)`", (ROOT / "README.md").read_text(), re.M))

    # set by the processes themselves, never by who runs them
    assert set(named_in) - {"CAIRN_PROCESS"} <= table


def test_no_file_names_a_registry_or_a_path_of_one_machine():
    kinds = {".py", ".html", ".css", ".js", ".toml", ".md", ".txt", ".lock"}
    ours = [ROOT / name for name in (*APPS, "templates", "static", "tests", "docs", "deploy")]
    files = [path for folder in ours for path in folder.rglob("*") if path.suffix in kinds]
    files += [path for path in ROOT.iterdir() if path.suffix in kinds]
    forbidden = re.compile(r"https?://[^\s\"']*(?:pypi|registry|npmjs)[^\s\"']*|/(?:root|home)/\w+")

    found = [
        f"{named(path)}: {hit}"
        for path in files
        for hit in forbidden.findall(path.read_text(errors="replace"))
    ]

    assert found == []
