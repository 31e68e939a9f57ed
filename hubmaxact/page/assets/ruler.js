// One log ruler, from 1 to ten million, that every M is held against: in the page's head and in the
// table. It is the same whatever is shown, so that rows can be compared across pages and filters;
// what lies outside stands at its end, beside the exact number.

import { svg } from "./dom.js";
import { standing } from "./series_style.js";

export const DECADES = 7;
export const FP16 = 65504;
const NAMED = [[0, "1"], [2, "100"], [4, "10⁴"], [6, "10⁶"]];
const HEIGHT = 14;

// Where a magnitude stands, from 0 at the ruler's start to 1 at its end.
export function share(magnitude) {
  return Math.min(Math.max(Math.log10(Math.max(magnitude, 1)) / DECADES, 0), 1);
}

export function levelOf(magnitude) {
  if (magnitude > FP16) return "beyond";
  return magnitude >= FP16 / 2 ? "near" : "within";
}

// The style sheet rules the cell behind it: decades, and the end of fp16 through all rows.
export function ruler(magnitude, level) {
  const at = percent(share(magnitude));
  return svg("svg", { class: `ruler ${level}`, height: HEIGHT, "aria-hidden": "true" },
    svg("line", { x1: "0%", x2: at, y1: HEIGHT / 2, y2: HEIGHT / 2 }),
    svg("svg", { x: at, y: HEIGHT / 2, overflow: "visible" }, standing(level)));
}

// The numbers along the ruler, for the head of the table.
export function rulerHead() {
  const label = (at, text, kind) => svg("text", { class: kind, x: percent(at), y: 11, "text-anchor": at ? "middle" : "start" }, text);
  return svg("svg", { class: "ruler head", height: HEIGHT, "aria-hidden": "true" },
    NAMED.filter(([decade]) => Math.abs(decade / DECADES - share(FP16)) > 0.13).map(([decade, text]) => label(decade / DECADES, text, decade / DECADES > share(FP16) ? "after" : null)),
    label(share(FP16), "fp16", "hard"));
}

const percent = (part) => `${(100 * part).toFixed(2)}%`;
