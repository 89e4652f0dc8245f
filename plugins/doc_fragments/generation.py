# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation of modules that give a node a generation has in common; their arguments are in
_node/arguments.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by `extends_documentation_fragment: intercloud.vpn.generation`."""

    DOCUMENTATION = r"""
options:
  allow_older:
    description:
      - Whether the node takes a generation that does not descend from its own, by its number or by O(lineage). Without
        it that is refused, so that of two controllers the slower one does not undo what the other did, and a ledger
        that was restored from a backup gives no address out twice.
    type: bool
    default: false
  adopt:
    description:
      - Names that machines had and give up now, V(edge-west), or V(acme/edge-west) for one that changes organizations.
        Without it a machine refuses a document for another name than it was given before.
    type: list
    elements: str
    default: []
  require:
    description:
      - Packages that have to be there. When some are missing, nothing is done; they are returned as
        RV(missing_packages).
      - In place of a name, a mapping of families of distributions (V(Debian), V(RedHat)) to lists of names. The node
        takes those of its family, and fails if it is of another one.
    type: list
    elements: raw
    default: []
"""
