# Copyright (c) 2026 The intercloud.vpn developers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ping many targets at once. Runs on a VM: the standard library and iputils' ping, nothing else."""

from __future__ import annotations

import concurrent.futures
import math
import os
import re
import subprocess
import time
import typing as t
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .application import chosen_source
from .name import probe_name
from .port import probe_port

AT_ONCE = 32  # pings sleep most of their time; what counts is the time until the last one is through
ICMP_HEADERS = {4: 28, 6: 48}  # IP and ICMP header, octets: what ping adds to its payload

SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) (?:packets )?received")
ROUND_TRIP = re.compile(r"= [\d.]+/([\d.]+)/")
ANSWER = re.compile(r"^From \S+ icmp_seq=\d+ (.+)$", re.M)
COMPLAINT = re.compile(r"ping6?: (?:local error: |connect: |sendmsg: )(.+)$", re.M)
TOLD_MTU = re.compile(r"mtu ?[=:] ?(\d+)")
FULL_SIZE_TRIES = 5  # over two tunnels that lose 2 % each way, one in twelve is lost: five, one in 300,000
LEAST_MTU = 576  # RFC 791 asks no host for more; a smaller one told is a mistake, or a trick
PROHIBITED = re.compile(r"ping: Do you want to ping broadcast")  # what ping makes of EACCES: a prohibit route

Run = Callable[[Sequence[str], float], "tuple[int, str]"]
"""Run a command for so many seconds at most; its exit code and all that it printed."""


@dataclass(frozen=True)
class Ping:
    """How to ping: packets, seconds between them, seconds to wait for the last answer, seconds a link may need."""

    count: int = 3
    interval: float = 0.2
    timeout: float = 1.0
    settle: float = 5.0


@dataclass(frozen=True)
class Answer:
    """What one ping came to. `error`: it could not be made at all. `reason`: what the network said, if anything."""

    sent: int = 0
    received: int = 0
    rtt_ms: float | None = None
    reason: str | None = None
    error: str | None = None


def run(command: Sequence[str], timeout: float) -> tuple[int, str]:
    """Run a command with stdout and stderr in one."""
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        # pylint: disable-next=ansible-bad-function  # the agent has no AnsibleModule
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        return 127, f"{command[0]} is not installed: install iputils-ping"
    except subprocess.TimeoutExpired:
        return 124, f"{command[0]} did not end within {timeout:g} s"
    return done.returncode, done.stdout.decode(errors="replace")


def probe_all(targets: Sequence[Mapping[str, t.Any]], ping: Ping, run: Run = run) -> list[dict[str, t.Any]]:
    """Probe all targets side by side; one record per target, in their order."""
    for number, target in enumerate(targets):
        if target.get("expect") not in ("reachable", "unreachable") or not target.get("address"):
            raise ValueError(f"targets[{number}]: needs an address, and expect: reachable or unreachable")
    with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda target: probe(target, ping, run), targets))


def probe(target: Mapping[str, t.Any], ping: Ping, run: Run = run) -> dict[str, t.Any]:
    """Probe one target: the target itself and what was seen.

    A target that shall be reachable gets `settle` seconds to come up; the packets that count are those sent then.
    """
    if target.get("query"):
        return probe_name(target, ping.timeout, ping.settle)
    if target.get("port"):
        return probe_port(target, ping.count * ping.interval + ping.timeout, ping.settle)
    begun = time.monotonic()
    settled_after: int | None = None
    answer = _packets(target, ping, run)
    if target["expect"] == "reachable" and answer.received < ping.count and not answer.error:
        deadline = begun + ping.settle
        while time.monotonic() < deadline:
            if _first_answer(target, deadline - time.monotonic(), run):
                settled_after = round((time.monotonic() - begun) * 1000)
                answer = _packets(target, ping, run)
                break
            time.sleep(0.1)  # an ICMP error ends ping at once
    record = {
        **target,
        "sent": answer.sent,
        "received": answer.received,
        "loss": round(100 * (1 - answer.received / answer.sent), 1) if answer.sent else 100.0,
        "rtt_ms": answer.rtt_ms,
        "settled_after_ms": settled_after,
        "mtu_ok": None,
        "mtu_reason": None,
        "mtu_fits": None,
        "application_ok": None,
        "application_reason": None,
        "reason": answer.reason,
        "error": answer.error,
    }
    if target.get("mtu") and answer.received:
        size, full = _full_size(target, ping, run)
        record.update(mtu=size, mtu_ok=full.received > 0, mtu_reason=full.error or full.reason)
        if not full.received:
            record["mtu_fits"] = _fitting(target, size, ping, run)
    if target["expect"] == "reachable" and target.get("source") and answer.received:
        why = _application(target, ping, run)
        record.update(application_ok=why is None, application_reason=why)
    return record


def _application(target: Mapping[str, t.Any], ping: Ping, run: Run) -> str | None:
    """Why an application that binds no address would not reach a target that answers; None if it would."""
    source, why = chosen_source(str(target["address"]))
    if why:
        return why
    if source != target["source"]:
        return f"packets leave from {source}, not from {target['source']}"
    options = ("-c", "3", "-i", "0.2", "-W", f"{ping.timeout:g}")
    answer = parse(*run(command({**target, "source": None}, *options), _patience(ping)))
    return None if answer.received else answer.error or answer.reason or "no answer"


def _fitting(target: Mapping[str, t.Any], size: int, ping: Ping, run: Run) -> int | None:
    """The largest packet below ``size`` octets that passes, to 4 octets; None where not even the smallest does."""
    low, high = (1280 if _family(target) == 6 else LEAST_MTU), size
    if not _passes(target, low, ping, run):
        return None
    while high - low > 4:
        middle = (low + high) // 2
        if _passes(target, middle, ping, run):
            low = middle
        else:
            high = middle
    return low


def _passes(target: Mapping[str, t.Any], size: int, ping: Ping, run: Run) -> bool:
    """Whether one of two packets of a size passes."""
    payload = str(size - ICMP_HEADERS[_family(target)])
    options = ("-c", "2", "-i", "0.2", "-W", f"{ping.timeout:g}", "-M", "do", "-s", payload)
    return parse(*run(command(target, *options), _patience(ping))).received > 0


def command(target: Mapping[str, t.Any], *options: str) -> list[str]:
    """The ping command for a target."""
    source = ["-I", str(target["source"])] if target.get("source") else []
    return ["ping", f"-{_family(target)}", "-n", *options, *source, str(target["address"])]


def parse(code: int, output: str) -> Answer:
    """Read what ping printed."""
    summary = SUMMARY.search(output)
    said = ANSWER.findall(output) + COMPLAINT.findall(output)
    if PROHIBITED.search(output):
        said.append("Permission denied")
    if not summary:
        if said:
            return Answer(reason=said[-1])  # the kernel refused to send it: no route, or one that forbids
        return Answer(error=output.strip().splitlines()[-1] if output.strip() else f"ping ended with code {code}")
    average = ROUND_TRIP.search(output)
    return Answer(
        sent=int(summary.group(1)),
        received=int(summary.group(2)),
        rtt_ms=round(float(average.group(1)), 2) if average else None,
        reason=said[-1] if said else None,
    )


def _packets(target: Mapping[str, t.Any], ping: Ping, run: Run) -> Answer:
    """The packets that count."""
    options = ("-c", str(ping.count), "-i", f"{ping.interval:g}", "-W", f"{ping.timeout:g}")
    return parse(*run(command(target, *options), _patience(ping)))


def _first_answer(target: Mapping[str, t.Any], seconds: float, run: Run) -> bool:
    """Whether an answer came within so many seconds (or a bit more: ping's deadline is in whole seconds)."""
    whole = max(1, math.ceil(seconds))
    return parse(*run(command(target, "-c", "1", "-i", "0.2", "-w", str(whole)), whole + 5)).received > 0


def _full_size(target: Mapping[str, t.Any], ping: Ping, run: Run) -> tuple[int, Answer]:
    """Packets that must not be fragmented, of the link's MTU or of what a gateway on the way says it takes.

    A node may carry less than the plan allows (the userspace backend's device takes 1400 octets); that is in order as
    long as it says so (RFC 1191, RFC 8201). What must not be is a packet lost in silence.
    """
    size, tries = int(target["mtu"]), FULL_SIZE_TRIES
    while True:
        options = ("-c", "1", "-W", f"{ping.timeout:g}", "-M", "do", "-s", str(size - ICMP_HEADERS[_family(target)]))
        answer = parse(*run(command(target, *options), _patience(ping)))
        told = TOLD_MTU.search(answer.reason or "")
        if told and LEAST_MTU <= int(told.group(1)) < size:
            size = int(told.group(1))
        elif answer.received or not (tries := tries - 1):
            return size, answer


def _patience(ping: Ping) -> float:
    """How long a ping may run before it is taken for hung, seconds."""
    return ping.count * ping.interval + 2 * ping.timeout + 5


def _family(target: Mapping[str, t.Any]) -> int:
    return 6 if ":" in str(target["address"]) else 4


def probed(given: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The result of the module member_probe with its parameters; one with `msg` is a failure."""
    try:
        ping = Ping(given["count"], given["interval"], given["timeout"], given["settle"])
        return {"changed": False, "probes": probe_all(given["targets"] or [], ping)}
    except ValueError as error:
        return {"msg": str(error)}
