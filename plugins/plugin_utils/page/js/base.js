// Copyright (c) 2026 The intercloud.vpn developers
// GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Elements are made here and nowhere from text: a name is never read as HTML.
"use strict";
const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in { value: 1, checked: 1, disabled: 1, hidden: 1, selected: 1 }) node[key] = value;
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

const byId = (id) => document.getElementById(id);
const plural = (count, one, many) => `${count} ${count === 1 ? one : many || `${one}s`}`;
const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const byName = (one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0);

function amount(octets) {
  let value = octets;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (value < 1000) return `${+value.toPrecision(3)} ${unit}`;
    value /= 1000;
  }
  return `${+value.toPrecision(4)} TB`;
}

function rate(octets) {
  let value = octets * 8;
  for (const unit of ["bit/s", "kbit/s", "Mbit/s"]) {
    if (value < 1000) return `${+value.toPrecision(3)} ${unit}`;
    value /= 1000;
  }
  return `${+value.toPrecision(4)} Gbit/s`;
}

function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const time = (text) => (text ? text.replace("T", " ").replace(/(:\d\d):\d\d(\.\d+)?Z?$/, "$1") + " UTC" : "");

function say(text) {
  byId("live").textContent = text;
}

function card(id, title, note, ...children) {
  return el("section", { class: "card", id, "aria-labelledby": `${id}-title` },
    el("div", { class: "card-head" }, el("h2", { id: `${id}-title` }, title), note ? el("p", { class: "note" }, note) : null),
    ...children);
}

// Heads that end with " >" are of columns of numbers.
function table(label, heads, rows) {
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col", class: head.endsWith(">") ? "num" : null }, head.replace(/ >$/, ""))))),
      el("tbody", {}, rows)));
}

// A state in words, and in a shape and a colour of its own.
const MARKS = { up: "●", ok: "●", part: "◐", down: "✕", unknown: "○", silent: "○", differs: "◐", refused: "⊘", leak: "!" };
const WORDS = {
  up: "up", part: "partly up", down: "down", unknown: "no answer", ok: "as planned", differs: "differs", silent: "no answer",
};
function badge(state, text) {
  return el("span", { class: `badge ${state}` }, el("span", { "aria-hidden": "true" }, `${MARKS[state] || "○"} `), text || WORDS[state] || state);
}
