// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Changing the members of a VPN that exists: `add` and `remove` in its entry. All else of it stays, so nothing else is shown.
"use strict";
const SETTLED_STEPS = ["topology", "kind", "pool", "name"];
const changeable = () => DATA.vpns.filter((vpn) => vpn.planned && (vpn.members || []).length).sort((one, other) => (called(one) < called(other) ? -1 : 1));

// Begin with the members of a VPN, or with none for a new one.
function begin(vpn) {
  WANTED.of = vpn || null;
  WANTED.members = vpn ? vpn.members.map((member) => member.name) : [];
  WANTED.was = new Set(WANTED.members);
  WANTED.sites = new Set(vpn ? vpn.sites.filter((site) => thing(`site:${site}`)) : []);
  WANTED.name = vpn ? vpn.name : byId("want-name").value.trim();
  WANTED.tunnel.kind = vpn ? (vpn.tunnel.startsWith("ssl") ? "ssl" : "ipsec") : byId("want-tunnel").value;
  for (const id of SETTLED_STEPS) byId(`step-${id}`).hidden = Boolean(vpn);
  byId("want-vpn").value = vpn ? vpnKey(vpn) : "";
  changed();
}

const added = () => WANTED.members.filter((name) => !WANTED.was.has(name));

function removed() {
  const left = new Set([...WANTED.members, ...wantedVms().map((vm) => vm.name)]);
  return [...WANTED.was].filter((name) => !left.has(name));
}

// Sites that the VPN has for another reason than a member, such as a hub, stay.
function sitesWithoutMembers() {
  const once = new Set([...WANTED.was].map((name) => (thing(`vm:${name}`) || {}).site));
  return WANTED.of.sites.filter((site) => !once.has(site));
}

const joining = () => homes().filter((site) => !WANTED.of.sites.includes(site));

// Its tunnels between the sites that stay. Those of sites that join are known for a mesh; else the plan finds them.
function changedPairs() {
  const sites = wantedSites();
  if (WANTED.of.topology === "mesh") return pairsOf(sites);
  return WANTED.of.tunnels.map((name) => (thing(`tunnel:${name}`) || { ends: [] }).ends).filter((ends) => ends.length === 2 && ends.every((end) => sites.includes(end)));
}

function checkChange(wrong) {
  if (!added().length && !removed().length) wrong("members", "Add or remove a member: nothing changes yet.");
  if (WANTED.of.topology.startsWith("graph")) for (const site of joining()) wrong("members", `${site} joins, and the VPN is a graph, whose links are named: describe the whole VPN with a link to ${site}.`);
}

const changedEntry = () => ({ name: WANTED.of.name, ...(added().length ? { add: added() } : {}), ...(removed().length ? { remove: removed() } : {}) });
