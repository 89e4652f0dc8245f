# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process costs that Ansible forks for a task and a host.

Ansible loads an action before it forks, and so what is said here holds in the processes. Each has all objects of
ansible-playbook: the inventory, the plays, Python's modules. A garbage collection would look at all of them, and so
copy their memory, for a process that ends a moment later. See https://docs.python.org/3/library/gc.html#gc.freeze
"""

from __future__ import annotations

import gc
import os


def keep_memory_shared() -> None:
    """From now on, in this process and whatever it forks: once, as nothing takes it back."""
    os.register_at_fork(after_in_child=gc.freeze)
