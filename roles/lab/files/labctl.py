# Copyright (c) The intercloud.vpn developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's switchboard; see docs/lab.md. Prints JSON with --json (what the playbooks read)."""

import argparse
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # root's files do not belong into somebody's checkout
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab import apart, control, options, preflight, state, supervisor  # noqa: E402
from lab.landscape import landscape  # noqa: E402
from lab.shell import LabError  # noqa: E402

POWER = {
    "start": "switch a machine on",
    "stop": "shut it down in order",
    "reboot": "reboot it: files stay, devices, routes and firewall do not",
    "kill": "pull its plug",
}

WIRES = {"cut": "take a machine's wire out", "join": "put it in again"}


def main():
    arguments = _parser().parse_args()
    try:
        changed, answer, text = _do(arguments)
    except (LabError, ValueError) as error:
        print(
            json.dumps({"error": str(error)}) if arguments.json else f"labctl: {error}",
            file=sys.stdout if arguments.json else sys.stderr,
        )
        return 1
    print(json.dumps({"changed": changed, **answer}) if arguments.json else text)
    return 0


def _do(arguments):
    """(changed, answer, text for people) of a subcommand."""
    action = arguments.action
    if action == "status":
        return False, control.status(), _table(control.status())
    preflight.check(action)
    if action == "root":
        path, built = control.build_roots(arguments.package, state.read(), options.releases(arguments))
        return built, {"path": str(path)}, str(path)
    if action == "up":
        done = control.up(
            arguments.clouds or len(state.read().get("clouds", ())) or landscape.DEFAULT_CLOUDS,
            arguments.root or control.last_root(),
            arguments.nat,
            options.releases(arguments),
            arguments.tenant,
            arguments.patience,
            arguments.at_once,
            arguments.anew,
            arguments.off,
            arguments.pair,
        )
        return bool(done), {"actions": done}, "\n".join(done) or "nothing to do"
    if action == "down":
        there = apart.clear() | control.down()
        return there, {}, "the lab is gone" if there else "there was no lab"
    if action == "apart":
        sys.exit(apart.run(arguments.name, arguments.command))
    if action == "supervise":
        sys.exit(supervisor.supervise(arguments.machine, arguments.root))
    if action in WIRES:
        changed = control.wire(action, arguments.machine, arguments.wire)
        return changed, {}, f"{arguments.machine}: {arguments.wire} is {'out' if action == 'cut' else 'in'}"
    changed = control.power(action, arguments.machine)
    return changed, {}, f"{arguments.machine}: {control.status()['machines'][arguments.machine]['state']}"


def _table(there):
    if not there:
        return "there is no lab"
    rows = [
        f"{name:15} {record['state']:9} boots: {record['boots']}{_special(there, name)}"
        for name, record in there["machines"].items()
    ]
    return "\n".join([*rows, f"ssh -F {landscape.SSH_CONFIG} MACHINE"])


def _special(there, name):
    """What is not as with the other machines."""
    release = there.get("releases", {}).get(name)
    return (f"  {release}" if release else "") + ("  behind NAT" if name in there.get("nat", ()) else "")


def _parser():
    parser = argparse.ArgumentParser(prog="labctl", description=__doc__.partition(";")[0])
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    actions = parser.add_subparsers(dest="action", required=True)
    options.add_root(actions)
    raise_ = options.add_up(actions, "make or mend the lab")
    raise_.add_argument("--anew", action="store_true", help="remove what is there first, the ledger included")
    raise_.add_argument("--patience", type=int, default=1, help="how many times as long a boot may take")
    raise_.add_argument("--at-once", type=int, default=0, help="how many machines boot at a time (default: all)")
    actions.add_parser("down", help="remove the lab, leave the cache")
    actions.add_parser("status", help="what there is")
    for action, text in POWER.items():
        actions.add_parser(action, help=text).add_argument("machine")
    for action, text in WIRES.items():
        wire = actions.add_parser(action, help=f"{text}: its device loses, or has, its carrier")
        wire.add_argument("machine")
        wire.add_argument("wire", help="its device: pub, org, vapp, mgmt, eth0")
    beside = actions.add_parser("apart", help="run a command with a lab of its own, beside this one")
    beside.add_argument("name", help="of that lab: letters and digits")
    beside.add_argument("command", nargs=argparse.REMAINDER)
    supervise = actions.add_parser("supervise")
    supervise.add_argument("machine")
    supervise.add_argument("--root", required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
