// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The map: what is shown, selected, lit, and from where one looks at it.
"use strict";
const FLOWS = 60; // lines of one VM's traffic that are drawn at once
const MAP = { placed: null, selected: null, filter: { vpn: "", organization: "", cloud: "", trouble: false }, open: new Set(), vmsOpen: false, refused: false, look: { x: 0, y: 0, k: 1 }, run: 0 };

function shownView() {
  const { vpn, organization, cloud, trouble } = MAP.filter;
  const chosen = vpn ? thing(vpn) : null;
  const bad = new Set(DATA.tunnels.filter((one) => one.state !== "up").flatMap((one) => one.ends));
  const sites = DATA.sites.filter((site) => (!organization || site.organization === organization)
    && (!cloud || site.cloud === cloud || tunnelsOfSite(site.name).some((one) => one.ends.some((end) => (thing(`site:${end}`) || {}).cloud === cloud)))
    && (!chosen || (chosen.sites || []).includes(site.name))
    && (!trouble || bad.has(site.name) || (site.state && site.state !== "ok") || vmsOfSite(site.name).some((vm) => vm.state && vm.state !== "ok")));
  const names = new Set(sites.map((site) => site.name));
  const members = chosen ? new Set((chosen.members || []).map((member) => member.name)) : null;
  const vms = DATA.vms.filter((vm) => names.has(vm.site) && (!members || members.has(vm.name)));
  const vapps = DATA.vapps.filter((vapp) => names.has(vapp.site) && (!members || vms.some((vm) => vm.vapp === vapp.name)));
  const many = vms.length > MANY && !MAP.vmsOpen;
  return { sites, vapps, vms: new Set(vms.map((vm) => vm.name)), closed: (key) => many && !MAP.open.has(key), many: vms.length > MANY };
}

function mapCard() {
  const canvas = svg("svg", { id: "map", role: "group", "aria-label": "Map of clouds, org networks, edges, vApps and VMs. Arrow keys move, Enter selects, Escape clears.", tabindex: "0" },
    svg("g", { id: "map-look" }));
  canvas.addEventListener("click", clicked);
  canvas.addEventListener("dblclick", doubleClicked);
  canvas.addEventListener("keydown", mapKey);
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // else the page scrolls
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, [event.offsetX, event.offsetY]);
  }, { passive: false });
  dragLook(canvas);
  const button = (label, text, act) => el("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
  return el("section", { class: "card map-card", "aria-label": "Map" },
    filterBar(),
    el("div", { class: "map-and-panel" },
      el("div", { class: "map-frame" }, canvas,
        el("p", { id: "map-wait", class: "map-wait" }, "Laying out the map …"),
        el("div", { class: "zoom" }, button("Zoom in", "+", () => zoom(1.25)), button("Zoom out", "−", () => zoom(0.8)), button("Fit the whole map", "⤢", fit)),
        legend()),
      el("aside", { id: "panel", class: "panel", "aria-label": "Details" })));
}

function legend() {
  const line = (state, text) => el("li", {}, svg("svg", { width: 34, height: 10, "aria-hidden": "true", class: `tunnel ${state}` }, svg("path", { class: "tunnel-line", d: "M1 5H33" })), text);
  return el("ul", { class: "legend", "aria-label": "Legend" }, line("up", "up"), line("part", "partly up"), line("down", "down"), line("unknown", "no answer"),
    el("li", {}, el("i", { class: "dot member" }), "member"), el("li", {}, el("i", { class: "dot" }), "not a member"));
}

async function redraw() {
  const run = ++MAP.run;
  const view = shownView();
  const open = byId("open-vms");
  if (open) open.closest("label").hidden = !view.many;
  byId("map-wait").hidden = false;
  byId("map-wait").textContent = "Laying out the map …";
  try {
    const placed = await layOut(view, byId("map").clientWidth / byId("map").clientHeight || 1.6);
    if (run !== MAP.run) return; // something else is shown by now
    MAP.placed = placed;
    draw(placed, view);
    byId("map").dataset.ms = placed.ms;
    byId("map-wait").hidden = view.sites.length > 0;
    byId("map-wait").textContent = DATA.sites.length ? "Nothing matches the filter." : "The inventory has no org edges.";
  } catch (error) {
    byId("map-wait").textContent = `The map cannot be drawn (${error.message}). The lists below have everything.`;
  }
}

function draw(placed) {
  const look = byId("map-look");
  const layer = (name) => svg("g", { class: name });
  const layers = { far: layer("far"), boxes: layer("boxes"), near: layer("near"), titles: layer("titles"), flows: layer("flows") };
  for (const box of placed.boxes) layers.boxes.append(DRAWN[box.kind](box));
  for (const box of placed.boxes) if (box.kind === "cloud") layers.titles.append(drawTitle(box));
  const shown = DATA.tunnels.filter((tunnel) => tunnel.ends.every((end) => placed.at.has(`site:${end}`)));
  const labelled = shown.length <= LABELLED;
  const between = new Map();
  for (const tunnel of shown) {
    const ends = tunnel.ends.join("\n");
    const count = between.get(ends) || 0;
    between.set(ends, count + 1);
    const drawn = drawTunnel(tunnel, placed, count, labelled || tunnel.state === "down");
    // Among tiles, a tunnel is behind them until it is selected, or down.
    (placed.ring || placed.pair || tunnel.state === "down" ? layers.near : layers.far).append(drawn);
  }
  byId("map").closest(".map-and-panel").classList.toggle("low", placed.pair);
  look.replaceChildren(layers.far, layers.boxes, layers.near, layers.titles, layers.flows);
  look.classList.toggle("thick", shown.length > 300);
  look.classList.toggle("crowded", !labelled);
  fit();
  light();
}

function fit() {
  const canvas = byId("map");
  const { clientWidth: wide, clientHeight: high } = canvas;
  if (!MAP.placed || !wide || !MAP.placed.width) return;
  const k = Math.min((wide - 40) / MAP.placed.width, (high - 64) / MAP.placed.height, 1.25);
  MAP.look = { k, x: (wide - MAP.placed.width * k) / 2, y: (high - 24 - MAP.placed.height * k) / 2 };
  applyLook();
}

function zoom(by, at) {
  const canvas = byId("map");
  const [px, py] = at || [canvas.clientWidth / 2, canvas.clientHeight / 2];
  const { x, y, k } = MAP.look;
  const next = Math.min(4, Math.max(0.05, k * by));
  MAP.look = { k: next, x: px - ((px - x) * next) / k, y: py - ((py - y) * next) / k };
  applyLook();
}

function applyLook() {
  const { x, y, k } = MAP.look;
  byId("map-look").setAttribute("transform", `translate(${x} ${y}) scale(${k})`);
  byId("map-look").classList.toggle("tiny", k < 0.5);
  byId("map-look").style.setProperty("--title", `${Math.min(30, Math.max(15, 11.5 / k))}px`);
}

function dragLook(canvas) {
  let from = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button === 0) from = { x: event.clientX, y: event.clientY, look: { ...MAP.look }, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (!from.moved && Math.hypot(dx, dy) < 4) return;
    if (!from.moved) canvas.setPointerCapture(event.pointerId);
    from.moved = true;
    canvas.classList.add("dragging");
    MAP.look = { ...from.look, x: from.look.x + dx, y: from.look.y + dy };
    applyLook();
  });
  const end = () => {
    MAP.dragged = Boolean(from && from.moved);
    from = null;
    canvas.classList.remove("dragging");
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
}

function clicked(event) {
  if (MAP.dragged) {
    MAP.dragged = false;
    return;
  }
  const hit = event.target.closest(".thing");
  select(hit ? (hit.dataset.key === MAP.selected ? null : hit.dataset.key) : null);
}

function doubleClicked(event) {
  const hit = event.target.closest(".closed");
  if (hit) openKey(hit.closest(".thing").dataset.key);
}

function openKey(key) {
  MAP.open.add(key);
  redraw();
}

function select(key) {
  MAP.selected = key && INDEX.has(key) ? key : null;
  light();
  showPanel();
  showMatrixFor(MAP.selected);
  say(MAP.selected ? `${key.replace(":", " ")} selected` : "nothing selected");
}

function light() {
  const look = byId("map-look");
  const lit = MAP.selected ? related(MAP.selected) : null;
  look.classList.toggle("selecting", Boolean(lit));
  for (const node of look.querySelectorAll(".thing")) {
    const on = !lit || lit.has(node.dataset.key) || (node.classList.contains("closed") && anyLit(node.dataset.key, lit));
    const outer = node.classList.contains("cloud"); // frames stay
    node.classList.toggle("faded", !on && !outer);
    node.classList.toggle("lit", Boolean(lit) && on);
    node.classList.toggle("selected", node.dataset.key === MAP.selected);
    node.setAttribute("aria-pressed", String(node.dataset.key === MAP.selected));
  }
  const far = look.querySelector(".far");
  const near = look.querySelector(".near");
  if (far && MAP.placed && !MAP.placed.ring && !MAP.placed.pair) {
    for (const node of [...near.children]) if (!node.classList.contains("lit") && !node.classList.contains("down")) far.append(node);
    if (lit) for (const node of [...far.children]) if (node.classList.contains("lit")) near.append(node);
  }
  drawFlows();
}

const anyLit = (key, lit) => behind(key).some((vm) => lit.has(`vm:${vm.name}`));

function boxOf(name) {
  const vm = thing(`vm:${name}`);
  return MAP.placed.at.get(`vm:${name}`) || (vm && (MAP.placed.at.get(`closed:vapp:${vm.vapp}`) || MAP.placed.at.get(`closed:site:${vm.site}`)));
}

// The traffic of the VM that is selected; without one, what is refused (or should be) in all VPNs.
function drawFlows() {
  const layer = byId("map-look").querySelector(".flows");
  if (!layer || !MAP.placed) return;
  layer.replaceChildren();
  const one = MAP.selected ? INDEX.get(MAP.selected) : null;
  let flows = [];
  if (one && one.kind === "vm") {
    flows = traffic(one.thing.name).map((flow) => ({ from: one.thing.name, ...flow }));
  } else if (MAP.refused) {
    const only = one && one.kind === "vpn" ? one.key : null;
    flows = DATA.refused.filter((probe) => !only || vpnKey(probe) === only)
      .map((probe) => ({ from: probe.src, to: probe.dst, how: probe.ok ? "refused" : "leak", why: probe.ok ? "tried in vain" : "passed, and must not" }));
    for (const matrix of DATA.reach.filter((each) => each.by === "member" && (!only || vpnKey(each) === only))) {
      matrix.cells.forEach((row, r) => row.forEach((cell, c) => {
        if (cell && cell.plan === "refused") flows.push({ from: matrix.names[r], to: matrix.names[c], how: cell.seen === "leak" ? "leak" : "refused", why: "no rule allows it" });
      }));
    }
  }
  if (!MAP.refused) flows = flows.filter((flow) => flow.how !== "refused");
  const drawn = new Set();
  for (const flow of flows) {
    const [a, b] = [boxOf(flow.from), boxOf(flow.to)];
    if (!a || !b || a === b || drawn.has(`${flow.from}\n${flow.to}`) || drawn.size >= FLOWS) continue;
    drawn.add(`${flow.from}\n${flow.to}`);
    const title = `${flow.from} → ${flow.to}: ${flow.how}${flow.why ? `, ${flow.why}` : ""}`;
    if (!one || one.kind !== "vm") layer.append(drawFlow(a, b, flow.how, title));
    else layer.append(flow.how === "refused" ? drawRefused(b, title) : drawReached(wayOf(flow, a, b), flow.how, title));
  }
  // A VM that traffic is refused to is not of the selection, but is seen with it.
  const named = new Set(flows.flatMap((flow) => [flow.from, flow.to]));
  for (const node of byId("map-look").querySelectorAll(".thing.vm")) node.classList.toggle("named", MAP.refused && named.has(node.dataset.key.slice(3)));
}

// The boxes on the way of a VM's traffic: both edges, if it leaves its site.
function wayOf(flow, from, to) {
  const edges = [flow.from, flow.to].map((name) => (thing(`vm:${name}`) || {}).site);
  const boxes = edges.map((site) => MAP.placed.at.get(`site:${site}`));
  return edges[0] === edges[1] || boxes.includes(undefined) ? [from, to] : [from, ...boxes, to];
}

function centerOf(node) {
  if (node.dataset.x) return [Number(node.dataset.x), Number(node.dataset.y)];
  const rect = node.querySelector("rect");
  return ["x", "y"].map((axis) => Number(rect.getAttribute(axis)) + Number(rect.getAttribute(axis === "x" ? "width" : "height")) / 2);
}

// One stop for the Tab key; from there, arrows go to whatever is next in that direction.
function mapKey(event) {
  const things = [...byId("map-look").querySelectorAll(".thing")];
  const here = things.find((node) => node === document.activeElement);
  const ahead = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
  if (ahead && things.length) {
    event.preventDefault();
    const next = here ? nearest(here, things, ahead) : things.find((node) => node.dataset.key === MAP.selected) || things.find((node) => node.classList.contains("site")) || things[0];
    if (next) focusThing(next);
  } else if ((event.key === "Enter" || event.key === " ") && here) {
    event.preventDefault();
    select(here.dataset.key === MAP.selected ? null : here.dataset.key);
  } else if (event.key.toLowerCase() === "o" && here && here.classList.contains("closed")) openKey(here.dataset.key);
  else if (event.key === "Escape") select(null);
  else if (event.key === "+" || event.key === "=") zoom(1.25);
  else if (event.key === "-") zoom(0.8);
  else if (event.key === "0") fit();
}

function nearest(here, things, [ax, ay]) {
  const [x, y] = centerOf(here);
  let best = null;
  for (const node of things) {
    if (node === here) continue;
    const [px, py] = centerOf(node);
    const along = (px - x) * ax + (py - y) * ay;
    const across = Math.abs((px - x) * ay) + Math.abs((py - y) * ax);
    if (along > 1 && (!best || along + 2.5 * across < best.far)) best = { node, far: along + 2.5 * across };
  }
  return best && best.node;
}

function focusThing(node) {
  node.focus({ preventScroll: true });
  const [x, y] = centerOf(node).map((value, axis) => value * MAP.look.k + (axis ? MAP.look.y : MAP.look.x));
  const { clientWidth: wide, clientHeight: high } = byId("map");
  if (x < 30 || y < 30 || x > wide - 30 || y > high - 30) {
    MAP.look.x += wide / 2 - x;
    MAP.look.y += high / 2 - y;
    applyLook();
  }
}
