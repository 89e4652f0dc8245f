"""The machines' shared roots: one per release and list of packages, built once, kept in the cache."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

from . import cgroup, locks
from .shell import LabError, run

CACHE = Path("/var/cache/intercloud-vpn/lab")
LOG = CACHE / "root.log"
LOCK = CACHE / "lock"
PARTIAL = CACHE / "partial"  # where a root is built; renamed when it is whole
GROUP = "root-build"
KEEP = 2  # roots of a release; the one before is wanted again when one goes back to another branch
# What `forky+trixie` has of the second release: a systemd that boots on a host with control groups of version 1.
OLDER = "systemd* libsystemd* udev* libudev* libpam-systemd* libnss-systemd*"
MARK = "etc/lab-release"  # in a root of two releases: their names
CUSTOMIZE = Path(__file__).resolve().parents[1] / "customize.sh"

# What a machine needs to be one, and what a person who looks into it misses first.
BASE = (
    "dbus",
    "iperf3",
    "iputils-ping",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",  # what Ansible installs packages with
    "sudo",
    "systemd",
    "systemd-resolved",  # does not run unless a test starts it (customize.sh)
    "systemd-sysv",
    "tcpdump",
)
# DHCP clients beside systemd-networkd, on machines of the host's own release. Later ones drop dhclient.
CLIENTS = ("busybox", "isc-dhcp-client")
OPTIONS = (
    "--variant=minbase",
    "--mode=root",
    "--format=directory",
    '--aptopt=Apt::Install-Recommends "false"',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
)


def path_for(packages, release):
    """Where the root of a release with these packages (beside BASE) is kept."""
    identity = "\n".join(
        [
            release,
            run("dpkg", "--print-architecture"),
            CUSTOMIZE.read_text(encoding="utf-8"),
            *OPTIONS,
            *_include(packages, release),
        ]
    )
    return CACHE / f"root-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def build(packages, release):
    """Build the root of a release unless it is there; returns (path, built)."""
    path = path_for(packages, release)
    with locks.held(LOCK):  # labs beside each other share the cache
        if path.is_dir():
            path.touch()
            return path, False
        _discard_partial()
        _bootstrap(packages, release)
        (PARTIAL / "root").rename(path)
        _discard_partial()
    return path, True


def _bootstrap(packages, release):
    PARTIAL.mkdir(parents=True)
    base, _plus, older = release.partition("+")
    hooks, files = [f"--customize-hook={CUSTOMIZE}"], sources(PARTIAL, base)
    if older:
        pins = rf"Package: {OLDER}\nPin: release n={older}\nPin-Priority: 1001\n"
        pins += rf"\nPackage: *\nPin: release n={older}\nPin-Priority: 100\n"
        file = '"$1/etc/apt/preferences.d/lab"'
        hooks.append(f"--setup-hook=mkdir -p \"$1/etc/apt/preferences.d\"; printf '{pins}' >{file}")
        hooks.append(f'--customize-hook=echo {release} >"$1/{MARK}"')
        files += sources(PARTIAL, older)
    command = [
        "mmdebstrap",
        *OPTIONS,
        *apt_options(),
        f"--include={','.join(_include(packages, release))}",
        *hooks,
        base,
        str(PARTIAL / "root"),
        *map(str, files),
    ]
    with LOG.open("w", encoding="utf-8") as log:
        code = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
            preexec_fn=lambda: cgroup.join(GROUP),
        ).returncode
    if code:
        tail = "\n".join(LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
        raise LabError(f"mmdebstrap failed with status {code}; the end of {LOG}:\n{tail}")


def discard_partial():
    """Remove what a build left that was killed, its processes and mounts included."""
    with locks.held(LOCK, wait=False) as free:
        if free:  # else it is another lab's build, which goes on
            _discard_partial()


def _discard_partial():
    cgroup.kill(GROUP)
    cgroup.remove(GROUP)
    remove(PARTIAL)


def built():
    """The roots in the cache, the most recently used first."""
    return sorted(CACHE.glob("root-*"), key=lambda path: path.stat().st_mtime, reverse=True)


def newest(release):
    """The most recently used root of a release, or None."""
    return next((path for path in built() if release_of(path) == release), None)


def prune(in_use):
    """Remove all but the most recent roots of each release, never one of those `in_use` (texts)."""
    seen = Counter()
    for root in built():
        release = release_of(root)
        seen[release] += 1
        if seen[release] > KEEP and str(root) not in in_use:
            remove(root)


def suite():
    """The host's own release, which the machines have unless told otherwise: its mirrors are known to work."""
    codename = release_of(Path("/"))
    if not codename:
        raise LabError("/etc/os-release names no VERSION_CODENAME: the lab needs a released Debian or a relative")
    return codename


def release_of(root):
    """The codename of the release that a root is of, or both of two; empty if it has none."""
    if (root / MARK).exists():
        return (root / MARK).read_text(encoding="ascii").strip()
    path = root / "usr/lib/os-release"  # /etc/os-release is a link, which would lead out of a root if it were absolute
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    fields = dict(line.split("=", 1) for line in lines if "=" in line)
    return fields.get("VERSION_CODENAME", "").strip('"')


def _include(packages, release):
    return sorted({*BASE, *packages, *(CLIENTS if release == suite() else ())})


def sources(directory, release):
    """The host's package sources as files for mmdebstrap (one-line and deb822), for another release if so wanted.

    A mirror that has the host's release has its neighbours, too; the keyring has to know their keys.
    """
    lines, stanzas = [], []
    places = [Path("/etc/apt/sources.list")]
    places += sorted(Path("/etc/apt/sources.list.d").glob("*.list"))
    for place in (p for p in places if p.exists()):
        lines += [line for line in place.read_text(encoding="utf-8").splitlines() if _is_ours(line)]
    for place in sorted(Path("/etc/apt/sources.list.d").glob("*.sources")):
        text = "\n".join(x for x in place.read_text(encoding="utf-8").splitlines() if not x.startswith("#"))
        stanzas += [stanza for stanza in text.split("\n\n") if _is_ours_deb822(stanza)]
    if not lines and not stanzas:
        raise LabError(f"apt on this host has no source for {suite()}: see /etc/apt/sources.list(.d)")
    files = []
    for text, name in (("\n".join(lines), f"{release}.list"), ("\n\n".join(stanzas), f"{release}.sources")):
        if text:
            file = directory / name
            file.write_text(of_release(text, release) + "\n", encoding="utf-8")
            files.append(file)
    return files


def of_release(text, release):
    """Package sources with another release's suites in place of the host's: bookworm-security → trixie-security."""
    return re.sub(rf"(?<=\s){re.escape(suite())}(?=-|\s|$)", release, text)


def _is_ours(line):
    words = line.split("]", 1)[-1].split() if "[" in line else line.split()[1:]
    return line.startswith("deb ") and len(words) > 1 and words[1].startswith(suite())


def _is_ours_deb822(stanza):
    lines = (line.partition(":") for line in stanza.splitlines() if not line.startswith((" ", "\t")))
    fields = {key.lower(): value.strip() for key, _colon, value in lines}
    return (
        "deb" in fields.get("types", "").split()
        and fields.get("enabled", "yes") != "no"
        and any(name.startswith(suite()) for name in fields.get("suites", "").split())
    )


def apt_options():
    """The host's own ways to its mirrors: proxies, retries, certificates, date checks, credentials."""
    wanted = ("acquire::http::", "acquire::https::", "acquire::retries", "acquire::check-", "acquire::max-")
    options = [line for line in run("apt-config", "dump").splitlines() if line.lower().startswith(wanted)]
    options += [
        f'Dir::Etc::{key} "{path}";'
        for key, path in (("netrc", "/etc/apt/auth.conf"), ("netrcparts", "/etc/apt/auth.conf.d"))
    ]
    return [f"--aptopt={option}" for option in options]


def remove(path):
    """Remove a tree, and first what a killed build may have left mounted in it."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{path}/")), reverse=True):
        run("umount", "--lazy", mount, check=False)
    if path.is_dir():
        shutil.rmtree(path)
