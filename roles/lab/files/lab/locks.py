"""Locks that end with whoever holds them, killed or not."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager


@contextmanager
def held(path, wait=True):
    """Hold a lock file while the block runs. Gives whether it is held: without `wait`, somebody else may have it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = os.path.samestat(os.fstat(file.fileno()), path.stat())
        except (BlockingIOError, FileNotFoundError):  # the other one has it, or has just removed it
            free = False
        yield free
