"""Files of installed packages that we serve: those that are named, and what the page relies on in them."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from portal import vendored

EXPLORE = (Path(settings.BASE_DIR) / "static" / "js" / "explore.js").read_text()
PLOTLY = "vendor/plotly.min.js"
HTMX = "vendor/htmx-2.min.js"


def test_library_comes_from_the_installed_package():
    found = finders.find(PLOTLY)

    assert found == str(vendored.lies("plotly", "package_data/plotly.min.js"))
    assert b"plotly.js" in Path(found).read_bytes()[:200]


@pytest.mark.parametrize("name", ["vendor/widgetbundle.js", "vendor/../plotly.min.js", "vendor/"])
def test_nothing_else_of_a_package_is_served(name):
    assert finders.find(name) is None


def test_collecting_finds_it_under_the_same_name():
    listed = [(f"{storage.prefix}/{name}", storage) for name, storage in vendored.Finder().list(None)]

    assert sorted(name for name, _ in listed) == [HTMX, PLOTLY]
    assert all(storage.exists(Path(name).name) for name, storage in listed)


def test_package_that_is_not_there_is_named():
    with pytest.raises(FileNotFoundError, match="no_such_package"):
        vendored.lies("no_such_package", "x.js")


def test_style_sheet_of_the_maps_is_the_one_that_we_leave_out():
    """Its name changes with the library: then the browser would complain under our policy."""
    ours = re.search(r'const MAPS = "([0-9a-f]{64})"', EXPLORE).group(1)
    text = Path(finders.find(PLOTLY)).read_text()

    brought = set(re.findall(r'\bif\(!document\.getElementById\("([0-9a-f]{64})"\)\)', text))

    assert brought == {ours}
