"""Static files that installed packages bring: found where they lie, named one by one in the settings.

Nothing is copied into the repository and nothing comes from another host (STACK §2).
"""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import brotli
from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

LARGE = 1_000_000  # bytes
QUICK = 9  # of 11: a tenth larger than the best, in a tenth of the time, twice at every start


class Finder(BaseFinder):
    """Finds the files of settings.VENDOR_FILES; the package is not imported for it."""

    def check(self, **options: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **options: Any) -> Any:
        named = settings.VENDOR_FILES.get(path)
        if named is None:
            return []
        found = str(lies(*named))
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        for address, named in settings.VENDOR_FILES.items():
            file = lies(*named)
            storage = FileSystemStorage(location=file.parent)
            storage.prefix = str(Path(address).parent)  # type: ignore[attr-defined]  # collectstatic's own
            yield file.name, storage


def lies(package: str, name: str) -> Path:
    """Where the file of an installed package is."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{package}, which brings {name}, is not installed.")
    return Path(spec.origin).parent / name


class Storage(CompressedManifestStaticFilesStorage):
    """Names with a hash and compressed copies; what is large is compressed quickly."""

    def create_compressor(self, **options: Any) -> Compressor:
        return Quick(**options)


class Quick(Compressor):
    """The best brotli takes ten seconds for the charts' library."""

    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=QUICK if len(data) > LARGE else 11))
