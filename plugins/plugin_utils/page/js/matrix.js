// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Who reaches whom, a VPN at a time.
"use strict";
const MATRIX = { vpn: null };

function matrixCard() {
  if (!DATA.reach.length) return null;
  MATRIX.vpn = vpnKey(DATA.reach.reduce((most, one) => (one.names.length > most.names.length ? one : most)));
  const chooser = el("select", { id: "matrix-vpn", "aria-label": "VPN of the matrix", onchange: (event) => { MATRIX.vpn = event.target.value; drawMatrix(); } },
    DATA.reach.map((one) => el("option", { value: vpnKey(one) }, called(thing(vpnKey(one))))));
  return card("reachability", "Reachability", null, el("div", { class: "matrix-head" }, chooser, el("p", { id: "matrix-note", class: "note" })), el("p", { id: "matrix-limits", class: "note" }), el("div", { id: "matrix" }), matrixLegend());
}

function matrixLegend() {
  const one = (name, sign, text) => el("li", {}, el("span", { class: `cell ${name}`, "aria-hidden": "true" }, sign), text);
  return el("ul", { class: "legend inline", "aria-label": "Legend of the matrix" }, one("up", "1.2", "answers, in ms"), one("planned", "✓", "may, not measured"), one("ports", "tcp", "on some ports"),
    one("down", "✕", "does not answer"), one("refused", "⊘", "refused, as planned"), one("leak", "!", "passes and must not"));
}

function cellOf(cell) {
  if (!cell) return ["self", "", "itself"];
  const ports = cell.plan === "ports" ? `, on ${cell.ports ? cell.ports.join(" ") : "what its rules allow"}` : "";
  if (cell.seen === "leak") return ["leak", "!", "passes and must not"];
  if (cell.seen === "down") return ["down", "✕", `does not answer${cell.why ? `: ${cell.why}` : ""}`];
  if (cell.plan === "refused") return ["refused", "⊘", `refused${cell.seen ? ", as tried" : ""}`];
  if (cell.seen === "up") {
    const way = cell.via && cell.via.length ? ` over ${cell.via.join(", ")}` : "";
    return [cell.plan === "ports" ? "up ports" : "up", cell.ms !== undefined ? String(+cell.ms.toPrecision(2)) : "✓", `answers${cell.ms !== undefined ? ` in ${cell.ms} ms` : ""}${ports}${way}${cell.why ? `; ${cell.why}` : ""}`];
  }
  return cell.plan === "ports" ? ["ports", cell.ports && cell.ports.length ? cut(cell.ports[0].split("/")[0], 4) : "some", `may${ports}; not measured`] : ["planned", "✓", "may; not measured"];
}

function drawMatrix() {
  if (!byId("matrix")) return;
  const one = DATA.reach.find((each) => vpnKey(each) === MATRIX.vpn);
  const vpn = thing(MATRIX.vpn);
  byId("matrix-vpn").value = MATRIX.vpn;
  const counts = { up: 0, of: 0 };
  one.cells.forEach((row) => row.forEach((cell) => {
    if (!cell || cell.plan === "refused") return;
    counts.of += 1;
    counts.up += cell.seen === "up" ? 1 : 0;
  }));
  const what = one.by === "site" ? "pairs of sites" : "ordered pairs";
  byId("matrix-note").textContent = one.measured ? `${counts.up} of ${counts.of} ${what} answer, measured ${time(DATA.measured)}. Rows open connections to columns.`
    : `As planned; verify_vpn measures it. Rows open connections to columns.`;
  byId("matrix-limits").textContent = (vpn.limits || []).length ? `Limits: ${vpn.limits.join("; ")}` : "";
  const chosen = MAP.selected && MAP.selected.startsWith("vm:") ? MAP.selected.slice(3) : MAP.selected && MAP.selected.startsWith("site:") ? MAP.selected.slice(5) : null;
  const wide = one.names.length > 6 || one.names.some((name) => name.length > 12);
  const rows = one.names.map((name, r) => el("tr", { class: name === chosen ? "chosen" : null },
    el("th", { scope: "row" }, link(`${one.by === "site" ? "site" : "vm"}:${name}`, cut(name, 28)), one.counts ? el("span", { class: "row-note" }, ` ${one.counts[r]}`) : null),
    one.cells[r].map((cell, c) => {
      const [state, sign, says] = cellOf(cell);
      const hidden = state === "refused" && !MAP.refused;
      return el("td", { class: `cell ${hidden ? "quiet" : state}${one.names[c] === chosen ? " chosen" : ""}`, title: `${name} → ${one.names[c]}: ${says}` },
        el("span", { "aria-hidden": "true" }, hidden ? "·" : sign), el("span", { class: "unseen" }, says));
    })));
  byId("matrix").replaceChildren(el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `Reachability of ${called(vpn)}` },
    el("table", { class: `matrix${wide ? " tall" : ""}` },
      el("thead", {}, el("tr", {}, el("td", { class: "corner" }), one.names.map((name) => el("th", { scope: "col" }, el("span", {}, cut(name, 24)))))),
      el("tbody", {}, rows))));
}

function showMatrixFor(key) {
  if (!byId("matrix")) return;
  const entry = key && INDEX.get(key);
  const vpn = entry && (entry.kind === "vpn" ? entry.thing : entry.kind === "vm" ? (memberships(entry.thing.name)[0] || {}).vpn : null);
  if (vpn && matrixOf(vpn) && !(entry.kind === "vm" && memberships(entry.thing.name).some((one) => vpnKey(one.vpn) === MATRIX.vpn))) MATRIX.vpn = vpnKey(vpn);
  drawMatrix();
}
