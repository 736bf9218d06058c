"""Runs one management command and says on its last line how many kilobytes this process held at most.

The kernel's VmHWM, since getrusage() also remembers the parent's size from before exec.
"""

import os
import resource
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["manage.py", *sys.argv[1:]])
    status = Path("/proc/self/status")
    if status.exists():
        print(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")))
    else:
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)  # macOS counts bytes


if __name__ == "__main__":
    main()
