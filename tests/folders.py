"""Where tests keep their files: in memory where there is room, as making a database is mostly waiting for a disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # Linux's file system in memory; whoever tests there makes folders of their own
_ROOM = 4 * 1024**3  # bytes; the whole suite needs less than a quarter of it


def in_memory() -> Path | None:
    """The file system in memory, if programs may be run from it and it has room; else None."""
    if not os.access(MEMORY, os.W_OK | os.X_OK) or os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= _ROOM else None
