# Copyright (c) The intercloud.vpn developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab in a virtual machine with Debian's own kernel; see docs/kernel.md. Prints JSON with --json."""

import argparse
import json
import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # root's files do not belong into somebody's checkout
sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab import control, options, preflight, state, vm, vm_lab  # noqa: E402
from lab.landscape import landscape  # noqa: E402
from lab.shell import LabError  # noqa: E402


def main():
    parser = argparse.ArgumentParser(prog="vmctl", description=__doc__.partition(";")[0])
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    actions = parser.add_subparsers(dest="action", required=True)
    options.add_root(actions)
    options.add_up(actions, "make or mend the virtual machine and the lab in it")
    actions.add_parser("down", help="remove it, whatever state it is in; leave the cache")
    actions.add_parser("status", help="what there is")
    inside = actions.add_parser("labctl", help="the switchboard inside: start, stop, reboot, kill a machine …")
    inside.add_argument("word", nargs="+")
    arguments = parser.parse_args()
    try:
        changed, answer, text = _do(arguments)
    except (LabError, ValueError) as error:
        print(
            json.dumps({"error": str(error)}) if arguments.json else f"vmctl: {error}",
            file=sys.stdout if arguments.json else sys.stderr,
        )
        return 1
    print(json.dumps({"changed": changed, **answer}) if arguments.json else text)
    return 0


def _do(arguments):
    """(changed, answer, text for people) of a subcommand."""
    if arguments.action == "status":
        return False, {**vm.read_state(), **state.read(landscape.VM_STATE_DIR), "on": bool(vm.process())}, _table()
    if os.geteuid() != 0:
        raise LabError("the lab's images and state belong to root: run it as root")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    there = state.read(landscape.VM_STATE_DIR)
    if arguments.action == "root":
        preflight.check("root")
        path, built = control.build_roots(arguments.package, there, options.releases(arguments))
        return built, {"path": str(path)}, str(path)
    if arguments.action == "up":
        count = arguments.clouds or len(there.get("clouds", ())) or landscape.DEFAULT_CLOUDS
        root = arguments.root or control.last_root()
        releases = options.releases(arguments)
        done = vm_lab.up(there, count, root, arguments.nat, releases, arguments.tenant, arguments.off, arguments.pair)
        return bool(done), {"actions": done}, "\n".join(done) or "nothing to do"
    if arguments.action == "down":
        there = vm.stop()
        return there, {}, "the virtual machine is gone" if there else "there was no virtual machine"
    answer = vm_lab.labctl(*arguments.word)
    return answer["changed"], answer, json.dumps(answer)


def _table():
    if not vm.process():
        return "there is no virtual machine"
    there = {**vm.read_state(), **state.read(landscape.VM_STATE_DIR)}
    return "\n".join(
        [
            f"on, {there['accelerator']}, clouds: {' '.join(there.get('clouds', []))}",
            f"ssh -F {vm.SSH_CONFIG} {vm.NAME}",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
