"""The lab inside the virtual machine: labctl runs there, and the controller out here learns how to get in."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from . import ssh, state, vm, vm_image, wanted
from .landscape import landscape
from .shell import LabError

FILES = Path(__file__).resolve().parents[1]
PROJECT = FILES.parents[2]
INSIDE = "/opt/intercloud-vpn"
LABCTL = f"{INSIDE}/roles/lab/files/labctl.py"
# Of emulation: everything takes ten times as long, and more than two boots at a time only take each other's share.
SLOW = {"tcg": ("--patience", "10", "--at-once", "3"), "kvm": ()}


def up(before, count, root, nat=None, releases=None, tenants=None, off=(), pairs=None):
    """The virtual machine, and in it the lab of so many clouds; returns what was done.

    `before` is what the lab inside was, as far as the controller knows; the rest is as in control.up.
    """
    clouds = landscape.cloud_names(count)
    pairs = wanted.pairs(before, clouds, pairs)
    nat = wanted.nat(before, clouds, nat, pairs)
    tenants = wanted.tenants(before, tenants)
    releases = wanted.releases(before, clouds, releases, tenants, pairs)
    image, built = vm_image.build([root, *wanted.release_roots(releases).values()])
    done = ["image: built"] if built else []
    running = vm.read_state()
    if running and running.get("image") != str(image):
        vm.stop()
        done.append("all: rebuilt, because the image is another one")
    if vm.start(image):
        done.append(f"virtual machine: started ({vm.read_state()['accelerator']})")
    vm.run("tar", "-xC", "/", stdin=_code())
    words = ["--clouds", str(count), "--root", root, "--nat", *nat, "--pair", *pairs, "--tenant", *tenants]
    words += ["--off", *off, "--release"]
    words += [f"{name}={release}" for name, release in releases.items()]
    made = labctl("up", *words, *SLOW[vm.read_state()["accelerator"]])["actions"]
    if made:  # a machine that was made anew has another key, and does not know of connections to the one before
        vm.hang_up()
    _fetch()
    return done + made


def labctl(*words):
    """Run labctl inside; its answer."""
    said = vm.run("python3", LABCTL, "--json", *words, check=False)
    if not said:
        raise LabError(
            f"labctl inside gave no answer: the connection broke, or see {vm.CONSOLE}; `vmctl down` clears up"
        )
    answer = json.loads(said)
    if "error" in answer:
        raise LabError(f"inside the virtual machine: {answer['error']}")
    return answer


def _code():
    """labctl, its parts, the landscape, and the key (so that one lets in everywhere), as a tar archive."""
    paths = [*FILES.glob("*"), *(FILES / "lab").glob("*.py"), PROJECT / "plugins/plugin_utils/_lab.py"]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in paths:
            archive.add(path, f"{INSIDE}/{path.relative_to(PROJECT)}", recursive=False)
        for name in ("id_ed25519", "id_ed25519.pub"):
            archive.add(vm.SSH_DIR / name, f"{landscape.SSH_DIR}/{name}")
    return buffer.getvalue()


def _fetch():
    """Which machines there are, their host keys, and the way to them."""
    text = vm.run("cat", landscape.STATE_FILE)
    known = vm.run("cat", f"{landscape.SSH_DIR}/known_hosts").decode()
    mine = [
        line
        for line in (vm.SSH_DIR / "known_hosts").read_text(encoding="ascii").splitlines()
        if line.startswith(f"{vm.NAME} ")
    ]
    (vm.SSH_DIR / "known_hosts").write_text("\n".join(mine) + "\n" + known, encoding="ascii")
    machines = state.machines(json.loads(text)).values()
    config = ssh.host_blocks(machines, jump=vm.NAME) + vm.ssh_config(vm.read_state()["port"])
    vm.SSH_CONFIG.write_text(config, encoding="ascii")
    (vm.STATE / "state.json").write_bytes(text)
