// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Boxes and tunnels as SVG. States are told by colour, by the pattern of the line, and in words.
"use strict";
const DRAWN = { cloud: drawCloud, net: drawNet, vapp: drawVapp, site: drawSite, vm: drawVm, closed: drawClosed };
const LABELLED = 24; // tunnels; with more, only those that are lit or not up have a label

function textAt(x, y, name, text, most) {
  return svg("text", { x, y, class: name }, cut(text, Math.max(3, Math.floor(most))));
}

function frame(box, name, radius) {
  return svg("rect", { class: name, x: box.x, y: box.y, width: box.w, height: box.h, rx: radius });
}

function spoken(box) {
  const one = thing(box.key) || {};
  const state = one.state ? `, ${WORDS[one.state] || one.state}` : "";
  if (box.kind === "vm") {
    const of = memberships(one.name).map(({ vpn, member }) => `${called(vpn)} ${member.address || ""}`.trim());
    return `VM ${one.name}${of.length ? `, member of ${of.join(", ")}` : ", not a member"}${state}`;
  }
  if (box.kind === "closed") return `${box.title}, ${box.sub}, closed; press Enter to select, O to open`;
  return `${{ cloud: "cloud", site: one.external ? "partner's edge" : "org edge", vapp: "vApp" }[box.kind] || ""} ${one.name || ""}${state}`;
}

function group(box, ...children) {
  return svg("g", { class: `thing ${box.kind}`, "data-key": box.key, tabindex: "-1", role: "button", "aria-label": spoken(box), "aria-pressed": "false" },
    svg("title", {}, spoken(box)), ...children);
}

function drawCloud(box) {
  return group(box, frame(box, "cloud-box", 14),
    box.sub && box.w > 40 + 9 * box.title.length + 6.4 * box.sub.length
      ? svg("text", { x: box.x + box.w - 16, y: box.y + 26, class: "small end" }, box.sub) : null);
}

// Above the tunnels, which may cross a cloud's upper edge.
function drawTitle(box) {
  return textAt(box.x + 16, box.y + 27, "cloud-name", box.title, (box.w - 30) / 9);
}

function captions(box, name, sub) {
  const room = (box.w - 20) / 6.6;
  const both = name.length + sub.length + 3 < room;
  return [
    textAt(box.x + 10, box.y + 20, "caption", name, room),
    sub && both ? svg("text", { x: box.x + box.w - 10, y: box.y + 20, class: "small mono end" }, sub) : null,
  ];
}

function drawNet(box) {
  return svg("g", { class: "net", "data-of": box.key }, frame(box, "net-box", 9), ...captions(box, box.title, box.sub),
    box.empty ? textAt(box.x + 10, box.y + 36, "small", "no VMs", 20) : null);
}

function drawVapp(box) {
  return group(box, frame(box, "vapp-box", 7), ...captions(box, box.title, box.sub));
}

function drawSite(box) {
  const site = box.site;
  return group(box, frame(box, `edge-box${site.external ? " partner" : ""}`, 8),
    svg("path", { class: `edge-sign ${site.state || ""}`, d: `M${box.x + 11} ${box.y + 15}h10m-3 -3l3 3l-3 3M${box.x + 21} ${box.y + 27}h-10m3 -3l-3 3l3 3` }),
    textAt(box.x + 28, box.y + 18, "edge-name", site.name, (box.w - 34) / 7),
    textAt(box.x + 28, box.y + 33, "small mono", site.external ? "partner's" : site.state && site.state !== "ok" ? WORDS[site.state] : box.sub, (box.w - 32) / 6));
}

function drawVm(box) {
  const of = memberships(box.vm.name);
  return group(box, frame(box, `vm-box${of.length ? " member" : ""}`, 6),
    svg("circle", { class: `vm-dot${of.length ? " member" : ""} ${box.vm.state || ""}`, cx: box.x + 12, cy: box.y + box.h / 2, r: 3.5 }),
    textAt(box.x + 22, box.y + box.h / 2 + 4, "vm-name", box.title, (box.w - 28) / (of.length > 1 ? 7.6 : 6.5)),
    of.length > 1 ? svg("text", { x: box.x + box.w - 8, y: box.y + box.h / 2 + 4, class: "small end" }, `×${of.length}`) : null);
}

function drawClosed(box) {
  const members = box.vms.filter((vm) => memberships(vm.name).length).length;
  return group(box, frame(box, `vapp-box closed${members ? " member" : ""}`, 7),
    textAt(box.x + 10, box.y + 17, "caption", box.title, (box.w - 18) / 6.6),
    textAt(box.x + 10, box.y + 32, "small", members ? `${box.sub}, ${plural(members, "member")}` : box.sub, 26));
}

// Where the line from a box's middle to a point leaves the box.
function border(box, [px, py]) {
  const [cx, cy] = [box.x + box.w / 2, box.y + box.h / 2];
  const [dx, dy] = [px - cx, py - cy];
  if (!dx && !dy) return [cx, cy];
  const by = Math.min(Math.abs(box.w / 2 / dx) || Infinity, Math.abs(box.h / 2 / dy) || Infinity);
  return [cx + dx * Math.min(by, 1), cy + dy * Math.min(by, 1)];
}

// A curve from box to box, bent towards a point; beside says how far from others of the same ends.
function curve(one, other, bend, center, beside) {
  const middle = [(one.x + one.w / 2 + other.x + other.w / 2) / 2, (one.y + one.h / 2 + other.y + other.h / 2) / 2];
  const [dx, dy] = [other.x - one.x, other.y - one.y];
  const long = Math.hypot(dx, dy) || 1;
  const control = [0, 1].map((axis) => middle[axis] + (center[axis] - middle[axis]) * bend + beside * 70 * ([-dy, dx][axis] / long));
  const [from, to] = [border(one, control), border(other, control)];
  return {
    d: `M${from.map(Math.round)} Q${control.map(Math.round)} ${to.map(Math.round)}`, from, to,
    label: [0, 1].map((axis) => from[axis] / 4 + control[axis] / 2 + to[axis] / 4),
  };
}

function tunnelSays(tunnel) {
  const up = tunnel.links.filter((link) => link.state === "up").length;
  const links = tunnel.links.length > 1 ? ` · ${up} of ${tunnel.links.length}` : "";
  return `${tunnel.kind === "ssl" ? "SSL" : "IPsec"} ${WORDS[tunnel.state]}${tunnel.state === "unknown" ? "" : links}`;
}

function drawTunnel(tunnel, placed, beside, labelled) {
  const ends = tunnel.ends.map((end) => placed.at.get(`site:${end}`));
  if (ends.some((end) => !end)) return null;
  const path = curve(ends[0], ends[1], placed.ring ? 0.55 : placed.pair ? 0 : 0.12, placed.center, beside);
  const says = tunnelSays(tunnel);
  const wide = 22 + 6.3 * says.length;
  return svg("g", { class: `thing tunnel ${tunnel.state}`, "data-key": `tunnel:${tunnel.name}`, tabindex: "-1", role: "button", "aria-pressed": "false", "aria-label": `tunnel ${tunnel.ends.join(" to ")}, ${says}`, "data-x": path.label[0], "data-y": path.label[1] },
    svg("title", {}, `${tunnel.ends.join(" — ")}: ${says}`),
    svg("path", { class: "tunnel-hit", d: path.d }), svg("path", { class: "tunnel-line", d: path.d }),
    svg("g", { class: `tunnel-label${labelled ? " always" : ""}` },
      svg("rect", { x: path.label[0] - wide / 2, y: path.label[1] - 11, width: wide, height: 22, rx: 11 }),
      svg("text", { x: path.label[0], y: path.label[1] + 4 }, svg("tspan", { class: "mark" }, `${MARKS[tunnel.state]} `), says)));
}

// From one box to another, leaving and arriving straight.
function bow(one, other) {
  const [dx, dy] = [other.x + other.w / 2 - one.x - one.w / 2, other.y + other.h / 2 - one.y - one.h / 2];
  const flat = Math.abs(dx) > (one.w + other.w) / 2 || Math.abs(dx) > Math.abs(dy);
  const side = (box, sign) => (flat ? [box.x + box.w / 2 + sign * box.w / 2, box.y + box.h / 2] : [box.x + box.w / 2, box.y + box.h / 2 + sign * box.h / 2]);
  const sign = Math.sign(flat ? dx : dy) || 1;
  const [from, to] = [side(one, sign), side(other, -sign)];
  const half = (flat ? to[0] - from[0] : to[1] - from[1]) / 2;
  const pull = ([x, y], by) => (flat ? [x + by, y] : [x, y + by]);
  return { d: `M${from.map(Math.round)} C${pull(from, half).map(Math.round)} ${pull(to, -half).map(Math.round)} ${to.map(Math.round)}`, to };
}

// What a VM reaches: from box to box, over the edges between; the tunnel itself is drawn already.
function drawReached(way, how, title) {
  const legs = [bow(way[0], way[1])];
  if (way.length > 2) legs.push(bow(way[way.length - 2], way[way.length - 1]));
  const [x, y] = legs[legs.length - 1].to;
  return svg("g", { class: `flow ${how}` }, svg("title", {}, title), legs.map((leg) => svg("path", { class: "flow-line", d: leg.d })),
    how === "allowed" ? svg("circle", { class: "flow-end", cx: x, cy: y, r: 3 }) : drawSign(way[way.length - 1], how));
}

function drawSign(box, how) {
  return svg("text", { class: "flow-mark", x: box.x + box.w - 13, y: box.y + box.h / 2 + 5 }, { refused: "⊘", leak: "!", down: "✕" }[how]);
}

// What refuses a VM: a sign on it, without a line.
function drawRefused(box, title) {
  return svg("g", { class: "flow refused" }, svg("title", {}, title),
    svg("rect", { class: "flow-frame", x: box.x, y: box.y, width: box.w, height: box.h, rx: 6 }), drawSign(box, "refused"));
}

function drawFlow(one, other, how, title) {
  const path = curve(one, other, 0, [0, 0], 0.45);
  return svg("g", { class: `flow ${how}` }, svg("title", {}, title), svg("path", { class: "flow-line", d: path.d }),
    how === "allowed" ? svg("circle", { class: "flow-end", cx: path.to[0], cy: path.to[1], r: 3.5 })
      : svg("text", { class: "flow-mark", x: path.label[0], y: path.label[1] + 5 }, how === "refused" ? "⊘" : how === "leak" ? "!" : "✕"));
}
