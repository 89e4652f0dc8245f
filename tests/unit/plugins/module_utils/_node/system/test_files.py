# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are written whole or not at all; what a killed step left is removed; failures name path and repair."""

from __future__ import annotations

import errno
import os
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.intercloud.vpn.plugins.module_utils._node.system import files, leftovers, room


def ended() -> int:
    """The id of a process that has ended."""
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (errno.ENOSPC, "no space left on device; free some space, then run create_vpn again"),
        (errno.EDQUOT, "disk quota exceeded; free some space, or raise the quota, then run create_vpn again"),
        (
            errno.EPERM,
            "operation not permitted; let root write there (lsattr shows an immutable file), then",
        ),
        (errno.ELOOP, "Too many levels of symbolic links; repair that, then run create_vpn again"),
    ],
)
def test_what_fails_is_said_with_path_and_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, text: str
) -> None:
    path = tmp_path / "a" / "b.conf"
    files.write(path, "old\n")

    def fsync(_handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(files.Unwritable) as error:
        files.write(path, "new\n")
    assert str(error.value).startswith(f"{path}: {text}")
    assert path.read_text(encoding="ascii") == "old\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_link_in_a_directory_of_somebody_elses_leads_nowhere(tmp_path: Path) -> None:
    """The agent's process id is known: its next temporary file could be there already."""
    other, path = tmp_path / "other", tmp_path / "hosts"
    other.write_text("theirs", encoding="utf-8")
    files.temporary(path).symlink_to(other)
    files.write(path, "ours")
    assert (other.read_text(encoding="utf-8"), path.read_text(encoding="utf-8")) == ("theirs", "ours")
    assert not path.is_symlink()


def test_what_a_killed_step_left_is_removed(tmp_path: Path) -> None:
    private = tmp_path / "etc/swanctl/private"
    generations = tmp_path / "var/lib/intercloud-vpn/generations"
    gone, here = ended(), os.getpid()
    for path in (private / f".intercloud-vpn-{gone}-intercloud-vpn.key", private / ".intercloud-vpn-ab3d_f1"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a key", encoding="ascii")
    (generations / f".intercloud-vpn-{gone}-3-0123456789ab" / "files").mkdir(parents=True)
    kept = [private / f".intercloud-vpn-{here}-x", private / "intercloud-vpn.key", private / ".other"]
    for path in kept:
        path.touch()
    assert len(leftovers.found(tmp_path)) == 3
    leftovers.sweep(tmp_path)
    assert sorted(private.iterdir()) == sorted(kept)
    assert list(generations.iterdir()) == []


@pytest.mark.parametrize(
    "place", ["run", "run/intercloud-vpn/x", "usr/local/lib/intercloud-vpn/node/system/__pycache__"]
)
def test_it_is_found_wherever_we_write(tmp_path: Path, place: str) -> None:
    path = tmp_path / place / f".intercloud-vpn-{ended()}-x"
    path.parent.mkdir(parents=True)
    path.touch()
    assert leftovers.found(tmp_path) == [path]


def test_a_process_id_that_was_given_again_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / f".intercloud-vpn-{os.getpid()}-x"
    path.touch()
    long_ago = time.time() - 2 * files.ABANDONED
    os.utime(path, (long_ago, long_ago))
    assert files.leftovers(tmp_path) == [path]


def test_room_that_is_there_is_no_problem_and_leaves_no_trace(tmp_path: Path) -> None:
    assert room.check([tmp_path / "not/yet/there", tmp_path], 1 << 16) == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_set_aside_is_really_taken_and_really_freed(tmp_path: Path) -> None:
    reserve = room.Reserve(tmp_path / "a", tmp_path / "b")
    reserve.take(1 << 16)
    assert [place.exists() for place in reserve.places] == [True, False]  # one for each file system
    assert (tmp_path / "a/reserve/octets").stat().st_blocks * 512 >= 1 << 16
    reserve.release()
    assert not reserve.exists()
