// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of the selected thing, beside the map. Names in it select what they name.
"use strict";
const link = (key, text) => el("button", { type: "button", class: "link", "data-select": key, onclick: () => select(key) }, text);
const facts = (rows) => el("dl", { class: "facts" }, rows.filter(([, value]) => value && (!Array.isArray(value) || value.length))
  .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
const joined = (items) => items.flatMap((item, place) => (place ? [", ", item] : [item]));

function showPanel() {
  const entry = MAP.selected && INDEX.get(MAP.selected);
  byId("panel").replaceChildren(...(entry ? PANELS[entry.kind](entry.thing) : overview()));
}

function head(kind, name, state) {
  return el("div", { class: "panel-head" },
    el("p", { class: "kind" }, kind), el("h2", {}, name), state ? badge(state) : null,
    el("button", { type: "button", class: "close", "aria-label": "Clear the selection", onclick: () => select(null) }, "×"));
}

function overview() {
  const rows = DATA.vpns.map((vpn) => el("li", {},
    link(vpnKey(vpn), called(vpn)),
    el("span", { class: "row-note" }, vpn.planned ? `${plural(vpn.members.length, "member")}, ${vpn.topology}` : vpn.state === "deleting" ? "is being deleted" : "has not come up"),
    vpn.links && vpn.links.of ? badge(vpn.links.up === vpn.links.of ? "up" : vpn.links.up ? "part" : "down", `${vpn.links.up} of ${vpn.links.of}`) : null));
  const down = DATA.tunnels.filter((tunnel) => tunnel.state !== "up");
  return [
    el("h2", {}, "VPNs"),
    rows.length ? el("ul", { class: "rows" }, rows) : el("p", {}, "There are no VPNs yet. The tab Compose makes the first one."),
    down.length ? [el("h2", {}, "Tunnels that are not up"), el("ul", { class: "rows" }, down.slice(0, 12).map((tunnel) => el("li", {}, link(`tunnel:${tunnel.name}`, tunnel.ends.join(" — ")), badge(tunnel.state)))) ] : [],
    el("p", { class: "hint" }, "Select a VM, an edge, a tunnel or a VPN: all that has nothing to do with it fades."),
  ].flat();
}

function stateRows(one) {
  if (!one.state) return [];
  const runs = one.runs === null ? "no answer" : one.runs === one.generation ? String(one.runs) : `${one.runs}, not ${one.generation}`;
  return [
    ["Generation", one.unconfirmed ? `${runs}, unconfirmed` : runs],
    ["Differs", one.drift.join(", ")],
    ["Certificate", one.certificate_days === null || one.certificate_days === undefined ? "" : one.certificate_days < 0 ? "expired" : `${plural(one.certificate_days, "day")} left`],
  ];
}

const tunnelRows = (tunnels, site) => el("ul", { class: "rows" }, tunnels.slice(0, 40).map((tunnel) => el("li", {},
  link(`tunnel:${tunnel.name}`, site ? `to ${tunnel.ends.find((end) => end !== site)}` : tunnel.ends.join(" — ")), badge(tunnel.state))));

const PANELS = {
  vm: (vm) => {
    const of = memberships(vm.name);
    const flows = traffic(vm.name);
    const group = (how, title) => {
      const found = flows.filter((flow) => flow.how === how);
      return found.length ? [el("h3", {}, `${title} (${found.length})`), el("ul", { class: "rows flows-list" }, found.slice(0, 30).map((flow) => el("li", {},
        link(`vm:${flow.to}`, flow.to), el("span", { class: "row-note" }, flow.why || ""))))] : [];
    };
    return [
      head("VM", vm.name, vm.state),
      facts([
        ["Cloud", link(`cloud:${vm.cloud}`, vm.cloud)], ["Org edge", vm.site && link(`site:${vm.site}`, vm.site)], ["vApp", vm.vapp && link(`vapp:${vm.vapp}`, vm.vapp)],
        ["Private", el("span", { class: "mono" }, vm.addresses.join(" "))], ...stateRows(vm),
      ]),
      vm.unusable ? el("p", { class: "caution" }, "As the inventory describes it, this VM cannot be a member: plan_vpn says why.") : null,
      el("h3", {}, of.length ? "Member of" : "Not a member of any VPN"),
      of.length ? el("ul", { class: "rows" }, of.map(({ vpn, member }) => el("li", {}, link(vpnKey(vpn), called(vpn)),
        el("span", { class: "mono row-note" }, member.address || ""), member.mode === "nat" ? el("span", { class: "tag" }, "nat") : null))) : null,
      ...group("leak", "Passes and must not"), ...group("down", "Does not reach"), ...group("allowed", "May reach"),
      ...(MAP.refused ? group("refused", "Is refused") : flows.some((flow) => flow.how === "refused") ? [el("p", { class: "hint" }, `${plural(flows.filter((flow) => flow.how === "refused").length, "VM")} refused to it: switch on Refused traffic.`)] : []),
    ].filter(Boolean);
  },
  vpn: (vpn) => [
    head("VPN", called(vpn), vpn.links && vpn.links.of ? (vpn.links.up === vpn.links.of ? "up" : vpn.links.up ? "part" : "down") : null),
    facts([
      ["State", vpn.planned ? "" : vpn.state === "deleting" ? "is being deleted" : "has not come up"], ["Topology", vpn.topology], ["Tunnels", vpn.tunnel],
      ["Pool", vpn.pool], ["Blocks", el("span", { class: "mono" }, (vpn.blocks || []).join(" "))],
      ["Addresses", vpn.addresses ? `${vpn.addresses.leased} of ${vpn.addresses.of} leased` : ""],
      ["Rules", vpn.rules ? "members reach each other as its rules allow" : ""], ["Limits", (vpn.limits || []).join("; ")],
      ["Depends on", (vpn.weak || []).length ? [`${vpn.weak.join(", ")}: when it fails, sites lose each other`] : ""],
      ["Destinations", (vpn.destinations || []).map((one) => `${reached(one)} behind ${one.behind}`).join("; ")],
    ]),
    ...((vpn.members || []).length ? [el("h3", {}, plural(vpn.members.length, "member")), el("ul", { class: "rows" }, vpn.members.slice(0, 60).map((member) => el("li", {},
      link(`vm:${member.name}`, member.name), el("span", { class: "mono row-note" }, member.address || ""), member.mode === "nat" ? el("span", { class: "tag" }, "nat") : null)))] : []),
    ...((vpn.tunnels || []).length ? [el("h3", {}, "Tunnels"), tunnelRows(vpn.tunnels.map((name) => thing(`tunnel:${name}`)).filter(Boolean))] : []),
    ...(changeable().includes(vpn) ? [el("button", { type: "button", class: "button", id: "change-members", onclick: () => { byId("tab-compose").click(); begin(vpn); } }, "Add or remove members")] : []),
  ],
  tunnel: (tunnel) => [
    head(tunnel.kind === "ssl" ? "SSL tunnel" : "IPsec tunnel", tunnel.ends.join(" — "), tunnel.state),
    facts([["Name", el("span", { class: "mono" }, tunnel.name)], ["Ends", joined(tunnel.ends.map((end) => (thing(`site:${end}`) ? link(`site:${end}`, end) : end)))], ["", tunnel.external ? "one end is a partner's" : ""]]),
    el("h3", {}, plural(tunnel.links.length || tunnel.vpns.length, "link")),
    ...(tunnel.links.length ? tunnel.links.map((one) => el("div", { class: "link-card" },
      el("div", {}, el("b", {}, one.link || one.vpn), " ", badge(one.state, one.state === "down" && one.said !== "DOWN" ? one.said.toLowerCase() : null)),
      facts([
        ["Algorithms", one.algorithms.length && el("span", { class: "mono" }, one.algorithms.join("  "))], ["Up since", one.seconds ? duration(one.seconds) : ""],
        ["Sent", Object.entries(one.sent).map(([node, octets]) => `${node} ${amount(octets)}`).join(", ")], ["Packets", one.mtu ? `up to ${one.mtu} octets` : ""],
      ]))) : [el("p", {}, `Planned for ${tunnel.vpns.join(", ")}.`)]),
    ...findingsAbout([tunnel.name]),
  ],
  site: (site) => [
    head(site.external ? "Partner's edge" : "Org edge", site.name, site.state),
    facts([["Cloud", link(`cloud:${site.cloud}`, site.cloud)], ["Organization", site.organization], ["Public", el("span", { class: "mono" }, site.public.join(" "))],
      ["Org network", el("span", { class: "mono" }, site.networks.join(" "))], ["NAT", site.reachable ? "" : "behind one, and cannot be reached"],
      ["Destinations", destinationsBehind(site.name).join("; ")], ...stateRows(site)]),
    ...(vpnsOfSite(site.name).length ? [el("h3", {}, "VPNs"), el("ul", { class: "rows" }, vpnsOfSite(site.name).map((vpn) => el("li", {}, link(vpnKey(vpn), called(vpn)))))] : []),
    ...(tunnelsOfSite(site.name).length ? [el("h3", {}, "Tunnels"), tunnelRows(tunnelsOfSite(site.name), site.name)] : [el("p", {}, "No tunnels.")]),
    ...findingsAbout([site.name]),
  ],
  vapp: (vapp) => [
    head("vApp", vapp.name, vapp.state),
    facts([["Cloud", link(`cloud:${vapp.cloud}`, vapp.cloud)], ["Org edge", vapp.site && link(`site:${vapp.site}`, vapp.site)], ["Network", el("span", { class: "mono" }, vapp.networks.join(" "))], ...stateRows(vapp)]),
    el("h3", {}, plural(behind(`vapp:${vapp.name}`).length, "VM")),
    el("ul", { class: "rows" }, behind(`vapp:${vapp.name}`).slice(0, 60).map((vm) => el("li", {}, link(`vm:${vm.name}`, vm.name), el("span", { class: "row-note" }, memberships(vm.name).map(({ vpn }) => called(vpn)).join(", ") || "not a member")))),
    MAP.placed && MAP.placed.at.has(`closed:vapp:${vapp.name}`) ? el("button", { type: "button", class: "button", onclick: () => openKey(`vapp:${vapp.name}`) }, "Show its VMs on the map") : null,
  ].filter(Boolean),
  cloud: (cloud) => [
    head("Cloud", cloud.name),
    facts([["VCC node", cloud.nodes.join(", ")], ["VMs", String(DATA.vms.filter((vm) => vm.cloud === cloud.name).length)]]),
    el("h3", {}, "Org edges"),
    el("ul", { class: "rows" }, DATA.sites.filter((site) => site.cloud === cloud.name).map((site) => el("li", {}, link(`site:${site.name}`, site.name), site.state ? badge(site.state) : null))),
  ],
};

// A destination, and what members may open there.
function reached(one) {
  return one.ports ? `${one.name} (${one.ports.join(", ") || "pings only"})` : one.name;
}

// What members reach behind a site, each once, whatever the number of VPNs.
function destinationsBehind(name) {
  return [...new Set(DATA.vpns.flatMap((vpn) => (vpn.destinations || []).filter((one) => one.behind === name).map((one) => `${reached(one)} in ${called(vpn)}`)))];
}

function findingsAbout(names) {
  const found = DATA.findings.filter((finding) => names.some((name) => finding.subject.split(/[\s:,]+/).includes(name)));
  return found.length ? [el("h3", {}, "Findings"), ...found.map(findingBox)] : [];
}

function findingBox(finding) {
  return el("div", { class: `finding ${finding.severity}` },
    el("p", { class: "finding-head" }, el("span", { class: `badge ${finding.severity === "error" ? "down" : "part"}` }, finding.severity), " ", el("b", {}, finding.subject)),
    facts([["Expected", finding.expected], ["Seen", finding.seen], ["Look at", finding.look]]));
}
