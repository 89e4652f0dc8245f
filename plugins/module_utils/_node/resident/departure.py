# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the resident agent leaves a node: last of all, when nothing of ours is stored there and nothing is loaded.

So an agent that is killed on the way back to nothing is started anew by systemd, and goes on. It also leaves a node on
which a commit was killed after it had installed the agent and before it stored anything.
"""

from __future__ import annotations

import shutil

from ..commit import parts
from ..document import NOTHING
from ..state import Store
from ..system import files, systemd
from ..system.install import AGENT, HOME, Agent
from ..system.units import ITSELF, RESTORE


def depart(store: Store) -> bool:
    """End, and leave nothing behind, if there is nothing to do here any more; whether that was so.

    Raises Busy while a commit is under way, which may be about to store something.
    """
    if store.traces():
        return False
    with store.lock(patience=0):
        if store.traces() or _loaded(store):
            return False
        store.erase()  # who did that may have been killed before the directories were gone
        for path in (*ITSELF, AGENT):  # without the latter, systemd starts nothing anew
            files.remove(store.at(path))
        shutil.rmtree(store.at(HOME), ignore_errors=True)
        if systemd.here():
            systemd.systemctl("daemon-reload")
            systemd.systemctl("stop", "--no-block", RESTORE)  # without waiting: that is we
    return True


def _loaded(store: Store) -> bool:
    everything = parts(NOTHING, NOTHING, store)
    return any(part.changes() for part in everything if not isinstance(part, Agent))
