// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// IP prefixes as whole numbers, as the planner reads them.
"use strict";
const UNUSABLE = [["0.0.0.0/8", "this network"], ["127.0.0.0/8", "loopback"], ["169.254.0.0/16", "link-local"], ["224.0.0.0/3", "multicast and reserved"],
  ["::/64", "loopback and IPv4-mapped"], ["fe80::/10", "link-local"], ["ff00::/8", "multicast"]];

function address(text) {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
    const parts = text.split(".").map(Number);
    if (parts.some((part) => part > 255) || text.split(".").some((part) => part.length > 1 && part[0] === "0")) return null;
    return { family: 4, value: parts.reduce((all, part) => all * 256n + BigInt(part), 0n) };
  }
  if (!/^[0-9a-fA-F:]*:[0-9a-fA-F:]*$/.test(text) || text.includes(":::")) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half ? half.split(":") : []));
  if (groups.flat().some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  const missing = 8 - groups.flat().length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const every = halves.length === 2 ? [...groups[0], ...Array(missing).fill("0"), ...groups[1]] : groups[0];
  return { family: 6, value: every.reduce((all, group) => all * 65536n + BigInt(parseInt(group, 16)), 0n) };
}

// {family, first, last, text}, or {wrong: what is wrong with it}
function prefix(text) {
  const [host, length, more] = text.trim().split("/");
  const found = address(host);
  if (!found || more !== undefined) return { wrong: `${text.trim() || "it"} is not a CIDR, such as 10.99.0.0/16` };
  if (length === undefined) return { wrong: `${text} has no prefix length` };
  const bits = found.family === 4 ? 32 : 128;
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits) return { wrong: `${text}: the prefix length must be a number from 0 to ${bits}` };
  const size = 1n << BigInt(bits - Number(length));
  if (found.value % size !== 0n) return { wrong: `${text} has host bits set` };
  return { family: found.family, first: found.value, last: found.value + size - 1n, size, text: text.trim() };
}

const overlaps = (one, other) => one.family === other.family && one.first <= other.last && other.first <= one.last;
const only = (text) => prefix(text.includes("/") ? text : `${text}/${text.includes(":") ? 128 : 32}`);
const families = (texts) => new Set(texts.map((text) => (text.includes(":") ? 6 : 4)));
