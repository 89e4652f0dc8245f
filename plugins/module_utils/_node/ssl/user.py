# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system user that OpenVPN becomes: no other program's, as `nobody` is. It comes with the first tunnel of kind ssl
and goes with the last one; one that the node had before is left as it is."""

from __future__ import annotations

import contextlib

from ..state import Store
from ..system import files
from ..system.run import CommandError, run
from .arrivals import owner
from .processes import USER

FILE = "/etc/sysusers.d/intercloud-vpn.conf"
NOTE = "user"  # in what is noted of the node (Store.own)
TEXT = f"""\
# Made by intercloud.vpn; changes are lost.
u {USER} - "OpenVPN (intercloud.vpn)"
"""


def missing(store: Store) -> bool:
    """Whether the user, or what makes it again (sysusers.d(5)), is not there."""
    return owner() is None or (ours(store) and files.read(store.at(FILE)) != TEXT)


def make(store: Store) -> None:
    """Have systemd make the user. Raises CommandError."""
    if not missing(store):
        return
    if owner() is None and not ours(store):
        store.own(NOTE, {"directory": not store.at(FILE).parent.exists()})
    files.write(store.at(FILE), TEXT)
    run("systemd-sysusers", str(store.at(FILE)))
    if owner() is None:
        raise CommandError(f"systemd-sysusers made no user {USER}")


def ours(store: Store) -> bool:
    """Whether we made the user, and have to take it away."""
    return store.owned(NOTE) is not None


def remove(store: Store) -> None:
    """Take the user away that we made. Raises CommandError, as when a process of the user is still there."""
    if not ours(store):
        return
    if owner() is not None:
        run("userdel", USER)
    files.remove(store.at(FILE))
    if store.owned(NOTE)["directory"]:
        with contextlib.suppress(OSError):  # somebody else's files are in it by now
            store.at(FILE).parent.rmdir()
    store.own(NOTE, None)
