"""The verifier as a stranger runs it: in a process of its own that can import nothing of ours."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from django.conf import settings

VERIFIER = settings.BASE_DIR / "static" / "verify_receipt.py"


def verified(folder: Path, *receipts: bytes) -> subprocess.CompletedProcess[str]:
    """What `python verify_receipt.py` says of these files, in an empty place without our packages."""
    names = []
    for number, raw in enumerate(receipts):
        (folder / f"{number}.json").write_bytes(raw)
        names.append(f"{number}.json")
    command = [sys.executable, "-I", "-S", str(VERIFIER), *names]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def verifier() -> ModuleType:
    """The same file as a module, for the many cases that need no process each."""
    spec = importlib.util.spec_from_file_location("verify_receipt", VERIFIER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_equal(module: ModuleType, raw: bytes) -> bool:
    """Whether the verifier is content with these bytes."""
    try:
        return bool(module.verify(raw)[1])
    except module.Broken:
        return False


def not_equal(lines: Iterable[str]) -> list[str]:
    """What it complains about."""
    return [line for line in lines if line.startswith(("NOT EQUAL", "     "))]
