// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is not on the map: tunnels as a table, quotas, pools, certificates, changes, findings.
"use strict";
function summary() {
  const up = DATA.tunnels.filter((tunnel) => tunnel.state === "up").length;
  const members = new Set(DATA.vpns.flatMap((vpn) => (vpn.members || []).map((member) => member.name))).size;
  const errors = DATA.findings.filter((finding) => finding.severity === "error").length;
  const days = DATA.sites.map((site) => site.certificate_days).filter((one) => one !== null && one !== undefined);
  const cells = DATA.reach.flatMap((one) => one.cells.flat()).filter((cell) => cell && cell.plan !== "refused");
  const answer = cells.filter((cell) => cell.seen === "up").length;
  const lowest = days.length ? Math.min(...days) : null;
  const tile = (label, value, state, note) => el("div", { class: `tile ${state || ""}` }, el("dt", {}, label), el("dd", {}, value), note ? el("dd", { class: "note" }, note) : null);
  return el("dl", { class: "tiles" },
    tile("Tunnels up", `${up} of ${DATA.tunnels.length}`, !DATA.tunnels.length ? "" : up === DATA.tunnels.length ? "good" : "bad"),
    tile("VPNs", String(DATA.vpns.length), "", `${plural(members, "member")} of ${plural(DATA.vms.length, "VM")}`),
    DATA.measured ? tile("Pairs that answer", `${answer} of ${cells.length}`, answer === cells.length ? "good" : "bad", `measured ${time(DATA.measured)}`)
      : tile("Reachability", "planned", "", "verify_vpn measures it"),
    tile("Findings", DATA.findings.length ? String(DATA.findings.length) : "none", errors ? "bad" : DATA.findings.length ? "warn" : "good", errors ? plural(errors, "error") : null),
    lowest === null ? null : tile("Next certificate", lowest < 0 ? "expired" : plural(lowest, "day"), lowest < 0 ? "bad" : lowest < 30 ? "warn" : "good"));
}

function findingsCard() {
  if (!DATA.findings.length) return null;
  return card("findings", "Findings", null, ...DATA.findings.map(findingBox));
}

function tunnelsCard() {
  if (!DATA.tunnels.length) return null;
  const order = { down: 0, part: 1, unknown: 2, up: 3 };
  const sorted = [...DATA.tunnels].sort((one, other) => order[one.state] - order[other.state] || byName(one, other));
  const rows = sorted.slice(0, 200).map((tunnel) => {
    const sent = tunnel.links.reduce((sum, one) => sum + Object.values(one.sent).reduce((all, octets) => all + octets, 0), 0);
    const seconds = tunnel.links.map((one) => one.seconds).filter((one) => one);
    return el("tr", {}, el("th", { scope: "row" }, link(`tunnel:${tunnel.name}`, tunnel.ends.join(" — "))), el("td", {}, badge(tunnel.state)), el("td", {}, tunnel.kind === "ssl" ? "SSL" : "IPsec"),
      el("td", {}, tunnel.vpns.join(", ")), el("td", { class: "mono" }, [...new Set(tunnel.links.flatMap((one) => one.algorithms))].join("  ") || "–"),
      el("td", { class: "num" }, sent ? amount(sent) : "–"), el("td", { class: "num" }, seconds.length ? duration(Math.max(...seconds)) : "–"));
  });
  return card("tunnels", "Tunnels", sorted.length > 200 ? `the first 200 of ${sorted.length}` : null, table("Tunnels", ["Between", "State", "Kind", "VPNs", "Algorithms", "Sent >", "Keys since >"], rows));
}

function bar(label, share, text, state, note) {
  const width = Math.max(share > 0 ? 0.6 : 0, Math.min(100, share * 100));
  return el("li", { class: "bar-row" }, el("span", { class: "bar-label" }, label, note ? el("span", { class: "row-note" }, note) : null),
    svg("svg", { class: `bar-line ${state || ""}`, viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": `${Math.round(share * 1000) / 10} %` },
      svg("rect", { class: "rail", width: 100, height: 8 }), svg("rect", { class: "full", width, height: 8 })),
    el("span", { class: "bar-text" }, text));
}

const share = (part, of) => (part === 0 ? "0 %" : part / of < 0.001 ? "less than 0.1 %" : `${Math.round((part / of) * 1000) / 10} %`);

function poolsCard() {
  if (!DATA.pools.length) return null;
  return card("pools", "Pools", "addresses in blocks of VPNs", el("ul", { class: "bars" }, DATA.pools.map((pool) => {
    const name = several ? `${pool.organization}/${pool.pool}` : pool.pool;
    if (!pool.size) return bar(name, 0, `${pool.used} addresses; not in vcc_pools`, "warn");
    const part = pool.used / pool.size;
    return bar(name, part, `${share(pool.used, pool.size)} · ${plural(pool.vpns, "VPN")}`, part > 0.95 ? "bad" : part > 0.8 ? "warn" : "", pool.prefix);
  })));
}

function limitsCard() {
  const limited = DATA.vpns.filter((vpn) => (vpn.limits || []).length);
  if (!limited.length && !DATA.usage.length) return null;
  const rates = limited.map((vpn) => el("li", {}, link(vpnKey(vpn), called(vpn)), el("span", { class: "row-note" }, vpn.limits.join("; "))));
  const used = [...DATA.usage].sort((one, other) => other.used / other.octets - one.used / one.octets).slice(0, 24).map((entry) => {
    const part = entry.used / entry.octets;
    const whose = entry.member || entry.address || "all members";
    return bar(`${entry.vpn}: ${whose}`, part, entry.used_up ? `used up until ${time(entry.until)}` : `${amount(entry.used)} of ${amount(entry.octets)} per ${entry.period}`, entry.used_up ? "bad" : part > 0.8 ? "warn" : "", `at ${entry.edge}`);
  });
  return card("limits", "Rates and quotas", null, rates.length ? el("ul", { class: "rows" }, rates) : null, used.length ? el("ul", { class: "bars" }, used) : el("p", { class: "note" }, "No edge has a quota."));
}

function nodesCard() {
  const edges = DATA.sites.filter((site) => site.state);
  if (!edges.length) return null;
  const sorted = [...edges].sort((one, other) => (one.certificate_days ?? Infinity) - (other.certificate_days ?? Infinity));
  const rest = ["vapps", "vms"].map((kind) => {
    const nodes = DATA[kind].filter((one) => one.state);
    const good = nodes.filter((one) => one.state === "ok").length;
    return nodes.length ? `${good} of ${nodes.length} ${kind === "vapps" ? "vApp edges" : "members"} run their generation` : null;
  }).filter(Boolean);
  return card("certificates", "Certificates and edges", rest.join("; ") || null, el("ul", { class: "bars" }, sorted.slice(0, 60).map((site) => {
    const days = site.certificate_days;
    const state = days === null || days === undefined ? "" : days < 0 ? "bad" : site.certificate_left < 0.25 ? "warn" : ""; // as verify warns
    const node = site.state === "ok" ? `generation ${site.runs}` : site.state === "silent" ? "no answer" : site.runs !== site.generation ? `generation ${site.runs}, not ${site.generation}` : `differs: ${site.drift.join(", ") || "unconfirmed"}`;
    return bar(link(`site:${site.name}`, site.name), site.certificate_left ?? 0, days === null || days === undefined ? "no certificate" : days < 0 ? "expired" : `${plural(days, "day")} left`, state, node);
  })));
}

function changesCard() {
  if (!DATA.changes.length) return null;
  const numbers = [...new Set(DATA.changes.filter((one) => one.generation).map((one) => one.generation))].sort((one, other) => other - one);
  const list = el("ol", { class: "changes" });
  const show = (since) => {
    const begun = since ? DATA.changes.findIndex((one) => one.generation === since) : -1;
    const runs = new Map();
    for (const one of since ? DATA.changes.slice(begun + 1) : DATA.changes) {
      const key = `${one.at}\n${one.who}`;
      if (!runs.has(key)) runs.set(key, []);
      runs.get(key).push(one);
    }
    const items = [...runs].reverse().map(([key, entries]) => el("li", {},
      el("p", { class: "change-head" }, el("time", { datetime: key.split("\n")[0] }, time(key.split("\n")[0])), " ", el("span", { class: "row-note" }, key.split("\n")[1] || "")),
      el("ul", {}, entries.map((one) => el("li", {}, several ? `${one.organization}: ${one.text}` : one.text)))));
    list.replaceChildren(...(items.length ? items : [el("li", { class: "note" }, `Nothing changed since generation ${since}.`)]));
  };
  const choose = el("select", { id: "since", "aria-label": "Changes since generation", onchange: (event) => show(Number(event.target.value)) },
    numbers.slice(0, 100).map((number) => el("option", { value: String(number) }, `generation ${number}`)), el("option", { value: "0" }, "the beginning"));
  const first = numbers.length > 1 ? numbers[1] : 0;
  choose.value = String(first);
  show(first);
  return card("changes", "Changes", null, el("label", { class: "since" }, "since ", choose), list);
}
