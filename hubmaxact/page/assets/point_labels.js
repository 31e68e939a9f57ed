// The names of points in a chart, where they are few enough to be read.

import { svg } from "./dom.js";
import { clipped } from "./format.js";

export const LETTER = 6.6; // pixels, of the charts' type
const FEW = 12; // points, beyond which names would cover the chart
const LONGEST = 24; // letters of a name
const LINE = 13; // pixels
const RADIUS = 5;
const ASIDE = 8; // pixels to another point, or the name could be its

// Each name stands where it runs into no point, no other name and not off the paper, or nowhere.
// `lined`: a line runs through the points, so there is no room beside them.
export function pointLabels(points, x, y, box, { lined = false } = {}) {
  if (points.length > FEW) return null;
  const markers = points.map((point) => ({ from: x.at(point.x) - RADIUS, to: x.at(point.x) + RADIUS, y: y.at(point.y) + 4 }));
  const placed = [];
  const free = (at, own) => at.from >= box.left && at.to <= box.right + 8 &&
    markers.every((other) => other === own || apart(at, around(other))) && placed.every((other) => apart(at, other));
  for (const [index, point] of points.entries()) {
    const text = clipped(point.label ?? "", LONGEST);
    const found = text ? places(markers[index], text.length * LETTER, box, lined).find((at) => free(at, markers[index])) : null;
    if (found) placed.push({ ...found, text });
  }
  return placed.map((each) => svg("text", { class: "said", x: each.from, y: each.y }, each.text));
}

const around = ({ from, to, y }) => ({ from: from - ASIDE, to: to + ASIDE, y });
const apart = (one, other) => one.to < other.from || one.from > other.to || Math.abs(one.y - other.y) > LINE;

// After the point, before it, above, below: the first that is free is the best.
function places({ from, to, y }, wide, box, lined) {
  const middle = Math.min(Math.max((from + to - wide) / 2, box.left), box.right + 8 - wide);
  const beside = lined ? [] : [{ from: to + 4, y }, { from: from - 4 - wide, y }];
  return [...beside, { from: middle, y: y - 15 }, { from: middle, y: y + 17 }].map((at) => ({ ...at, to: at.from + wide }));
}
