# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is still known of a generation that cannot be read: the files that were made of it."""

from __future__ import annotations

import json

from ..document import Generation
from ..ipsec import certificates, secrets
from ..state import Running, Store
from ..system import files as _files


def known(running: Running, store: Store) -> Generation:
    """What a commit may rely on where the node's generation is damaged.

    It has no document, so that every subsystem looks at all that is loaded; but the certificates and keys that are on
    the node, which the controller does not send again.
    """
    files = {
        name: text
        for name, path in {**certificates.FILES, **certificates.OPTIONAL}.items()
        if certificates.signed(text := _files.read(store.at(path))) or "-----BEGIN" in text
    }
    keys = {
        **json.loads(running.generation.files.get(secrets.FILE) or "{}"),
        **secrets.salvaged(_files.read(store.at(secrets.PATH))),
    }
    if keys:
        files[secrets.FILE] = json.dumps(keys, sort_keys=True)
    return Generation({}, files)
