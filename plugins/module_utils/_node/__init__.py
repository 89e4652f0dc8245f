# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a node: compares what is loaded with what a document says, and makes it so.

Standard library only. It runs inside the modules ``edge_*`` and, installed on the node, as the agent that restores
the node's generation at boot and rolls it back when nobody confirms it.
"""

import sys

NEEDED = (3, 9)

# Here, because every module that runs on a node imports this first; and in words that any Python understands, because
# an older one cannot even import the rest of the package. The answer is a module's, as that of Ansible's own basic.py.
if sys.version_info < NEEDED:
    import json

    said = "Python {} at {}; intercloud.vpn needs {} or later on nodes: set ansible_python_interpreter".format(
        ".".join(map(str, sys.version_info[:3])), sys.executable, ".".join(map(str, NEEDED))
    )
    sys.stdout.write(json.dumps({"failed": True, "msg": said}) + "\n")
    raise SystemExit(1)
