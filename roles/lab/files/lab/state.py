"""What the lab is made of, as the last `up` wrote it down: clouds, roots, and which machines differ from the others."""

from __future__ import annotations

import json
from pathlib import Path

from .landscape import landscape


def read(directory=landscape.STATE_DIR):
    """{clouds, root, patience, nat, pairs, tenants, releases, release_roots}, or {} when there is no lab."""
    try:
        return json.loads((Path(directory) / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write(**state):
    """Replace what is written down."""
    new = Path(landscape.STATE_FILE + ".new")
    new.write_text(json.dumps(state) + "\n", encoding="utf-8")
    new.replace(landscape.STATE_FILE)


def machines(state):
    """name → Machine, of the lab that a state is of."""
    return landscape.machines_in(state)


def root_of(state, name):
    """The root that a machine runs on; None when there is no lab."""
    release = state.get("releases", {}).get(name)
    return state["release_roots"][release] if release else state.get("root")
