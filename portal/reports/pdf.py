"""The score report as PDF: a template of our own, set by typst; what it says is handed over as data.

Data never becomes source: a name like "#panic(1)" is text. PDF/UA is asked for, so a drawing without a text
for those who do not see it is an error, not a flaw.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEMPLATE = Path(__file__).parent / "score_report.typ"
FONTS = ("Liberation Sans", "DejaVu Sans", "Arial", "Helvetica", "Libertinus Serif")


def typeset(data: Mapping[str, Any]) -> bytes:
    """Two accessible A4 pages.

    data    what portal.pages.report says, ready text and drawings; see the top of the template
    """
    import typst  # late: a night and a page that set nothing are spared its memory

    told = json.dumps({"fonts": FONTS, **data}, ensure_ascii=False)
    made = typst.compile(TEMPLATE, root=TEMPLATE.parent, sys_inputs={"data": told}, pdf_standards=["ua-1"])
    if not isinstance(made, bytes):
        raise TypeError("typst answered several files instead of one.")
    return made
