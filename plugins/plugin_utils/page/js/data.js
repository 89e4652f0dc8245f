// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The document, and what of it belongs together. Things have keys: vm:NAME, vapp:, site:, cloud:, tunnel:, vpn:ORGANIZATION/NAME.
"use strict";
const DATA = JSON.parse(byId("data").textContent);
const vpnKey = (vpn) => `vpn:${vpn.organization}/${vpn.vpn || vpn.name}`;
const INDEX = new Map();
const MEMBERSHIPS = new Map(); // VM -> [{vpn, member}]
const BEHIND = new Map(); // vApp or site -> VMs; of a site those on its org network only

(function index() {
  for (const [kind, things] of [["cloud", DATA.clouds], ["site", DATA.sites], ["vapp", DATA.vapps], ["vm", DATA.vms], ["tunnel", DATA.tunnels]]) {
    for (const thing of things) INDEX.set(`${kind}:${thing.name}`, { kind, key: `${kind}:${thing.name}`, thing });
  }
  for (const vpn of DATA.vpns) {
    INDEX.set(vpnKey(vpn), { kind: "vpn", key: vpnKey(vpn), thing: vpn });
    for (const member of vpn.members || []) {
      if (!MEMBERSHIPS.has(member.name)) MEMBERSHIPS.set(member.name, []);
      MEMBERSHIPS.get(member.name).push({ vpn, member });
    }
  }
  for (const vm of DATA.vms) {
    const place = vm.vapp ? `vapp:${vm.vapp}` : `site:${vm.site}`;
    if (!BEHIND.has(place)) BEHIND.set(place, []);
    BEHIND.get(place).push(vm);
  }
})();

const thing = (key) => (INDEX.get(key) || {}).thing;
const memberships = (vm) => MEMBERSHIPS.get(vm) || [];
const behind = (place) => BEHIND.get(place) || [];
const vmsOfSite = (site) => DATA.vms.filter((vm) => vm.site === site);
const tunnelsOfSite = (site) => DATA.tunnels.filter((tunnel) => tunnel.ends.includes(site));
const vpnsOfTunnel = (tunnel) => DATA.vpns.filter((vpn) => (vpn.tunnels || []).includes(tunnel.name));
const vpnsOfSite = (site) => DATA.vpns.filter((vpn) => (vpn.sites || []).includes(site));
const matrixOf = (vpn) => DATA.reach.find((one) => vpnKey(one) === vpnKey(vpn));
const several = DATA.organizations.length > 1;
const called = (vpn) => (several ? `${vpn.organization}/${vpn.name}` : vpn.name);

// What stays lit when something is selected. A VM takes the way of its traffic along; a site its tunnels and their other ends.
function related(key) {
  const found = new Set([key]);
  const { kind, thing: one } = INDEX.get(key);
  const place = (vm) => {
    found.add(`vm:${vm.name}`).add(`site:${vm.site}`);
    if (vm.vapp) found.add(`vapp:${vm.vapp}`);
  };
  const whole = (vpn) => {
    found.add(vpnKey(vpn));
    for (const tunnel of vpn.tunnels || []) found.add(`tunnel:${tunnel}`);
    for (const site of vpn.sites || []) found.add(`site:${site}`);
    for (const member of vpn.members || []) if (thing(`vm:${member.name}`)) place(thing(`vm:${member.name}`));
  };
  if (kind === "vpn") whole(one);
  if (kind === "vm") {
    place(one);
    memberships(one.name).forEach(({ vpn }) => whole(vpn));
  }
  if (kind === "vapp") {
    found.add(`site:${one.site}`);
    behind(key).forEach(place);
  }
  if (kind === "site" || kind === "cloud") {
    const sites = kind === "site" ? [one] : DATA.sites.filter((site) => site.cloud === one.name);
    for (const site of sites) {
      found.add(`site:${site.name}`);
      vmsOfSite(site.name).forEach(place);
      DATA.vapps.filter((vapp) => vapp.site === site.name).forEach((vapp) => found.add(`vapp:${vapp.name}`));
      tunnelsOfSite(site.name).forEach((tunnel) => tunnel.ends.forEach((end) => found.add(`tunnel:${tunnel.name}`).add(`site:${end}`)));
    }
  }
  if (kind === "tunnel") {
    one.ends.forEach((end) => found.add(`site:${end}`));
    for (const vpn of vpnsOfTunnel(one)) {
      for (const member of vpn.members || []) {
        const vm = thing(`vm:${member.name}`);
        if (vm && one.ends.includes(vm.site)) place(vm);
      }
    }
  }
  return found;
}

// What a VM opens connections to: [{to, how: allowed | refused | down | leak, why}].
function traffic(name) {
  const found = new Map();
  const note = (to, how, why) => {
    const known = found.get(to);
    if (!known || (known.how === "refused" && how !== "refused")) found.set(to, { to, how, why });
  };
  for (const { vpn } of memberships(name)) {
    const matrix = matrixOf(vpn);
    if (!matrix || matrix.by !== "member") {
      for (const member of vpn.members || []) if (member.name !== name) note(member.name, "allowed", called(vpn));
      continue;
    }
    const row = matrix.cells[matrix.names.indexOf(name)];
    matrix.names.forEach((to, column) => {
      const cell = row[column];
      if (!cell) return;
      const how = cell.seen === "down" ? "down" : cell.seen === "leak" ? "leak" : cell.plan === "refused" ? "refused" : "allowed";
      note(to, how, how === "refused" ? `${called(vpn)}: no rule allows it` : cell.why || called(vpn));
    });
  }
  for (const probe of DATA.refused) {
    if (probe.src === name && thing(`vm:${probe.dst}`)) note(probe.dst, probe.ok ? "refused" : "leak", probe.ok ? "tried in vain" : "passed, and must not");
  }
  const me = thing(`vm:${name}`);
  const near = new Set(memberships(name).flatMap(({ vpn }) => vpn.sites || []));
  for (const vm of me ? DATA.vms : []) {
    if (vm.name !== name && near.has(vm.site) && vm.site !== me.site && vm.organization === me.organization) note(vm.name, "refused", "no VPN in common");
  }
  return [...found.values()];
}
