// The page's head in one picture: every M of the index on log paper, stacked where they are many.

import { ruling, scale } from "./axis.js";
import { figure } from "./chart.js";
import { svg } from "./dom.js";
import { activation, clipped, counted, number } from "./format.js";
import { standing } from "./series_style.js";
import { FP16 } from "./ruler.js";

const HEIGHT = 200;
const DRAWN = 5; // the radius that the shapes are drawn in
const RADII = [7.5, 6.5, 5.5, 4.5, 3.5, 2.6, 1.8, 1.2, 0.8];
const SANE = [1e-2, 1e9]; // what lies outside stands at the end
const LEAST_END = 1e6; // of the axis, so that there is room for words beyond fp16
const THINNED = 400; // points, as in hubmaxact/page/findings/finding.py: of more, some of each kind are left out, and heights would mislead
const WIDE = 480;
const LETTER = 6.4; // pixels
const NAME = 22; // letters

// `rows`: how many releases the index has; the finding leaves some aside.
export function dotPlot(place, finding, rows) {
  const kinds = (finding?.chart?.series ?? []).map((series) => series.points);
  const points = kinds.flat().filter(({ x }) => x > 0);
  place.hidden = !points.length || kinds.some((some) => some.length >= THINNED);
  if (place.hidden) return;
  points.sort((one, other) => one.x - other.x);
  place.replaceChildren(figure("M of every release", (width) => drawn(points, finding, rows, width)));
}

function drawn(points, finding, rows, width) {
  const box = { left: 10, right: width - 10, top: 40, bottom: HEIGHT - 20 };
  const inside = (value) => Math.min(Math.max(value, SANE[0]), SANE[1]);
  const x = scale([...points.map((point) => inside(point.x)), LEAST_END], [box.left, box.right], { log: true });
  const at = (value) => x.at(inside(value));
  const [least, most] = [points[0], points.at(-1)];
  const beyond = points.filter((point) => point.x > FP16).length;
  const label = `M of ${counted(points.length, "release")} on a log axis, from ${activation(least.x)} (${least.label}) to ${activation(most.x)} (${most.label}); ${number(beyond)} have M beyond fp16. ${finding.title}, in M or in a tensor beside it.`;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label },
    svg("rect", { class: "over", x: at(FP16), y: box.top - 22, width: box.right - at(FP16), height: box.bottom - box.top + 22 }),
    ruling(x, box),
    svg("line", { class: "edge", x1: at(FP16), x2: at(FP16), y1: box.top - 22, y2: box.bottom }),
    svg("text", { class: "strong beyond", x: at(FP16) + 7, y: box.top - 8 }, `${number(beyond)} with M beyond`),
    svg("text", { class: "strong", x: at(FP16) - 7, y: box.top - 8, "text-anchor": "end" }, `${number(points.length - beyond)} below fp16's end, 65,504`),
    svg("text", { class: "label", x: box.left, y: 12 }, heading(points.length, rows, width)),
    x.ticks.map(({ value, label: text }, place) => svg("text", { class: "tick", x: x.at(value), y: HEIGHT - 5, "text-anchor": anchor(place, x.ticks.length) }, text)),
    stacked(points, at, box));
}

function anchor(place, all) {
  if (place === 0) return "start";
  return place === all - 1 ? "end" : "middle";
}

function stacked(points, at, box) {
  const room = box.bottom - box.top - 22; // above the highest stack stands a name
  const fits = (radius) => Math.max(...columns(points, at, radius).map((each) => each.length)) * 2 * radius <= room;
  const radius = RADII.find(fits) ?? RADII.at(-1);
  const found = columns(points, at, radius);
  const dots = found.flatMap((column) => column.map((point, floor) => standing(point.level, {
    transform: `translate(${column.x.toFixed(1)} ${(box.bottom - radius - 3 - floor * 2 * radius).toFixed(1)}) scale(${(radius * 0.9 / DRAWN).toFixed(2)})`,
  }, said(point))));
  return [...dots, ...names(found, radius, box)];
}

// The two ends have names, each above whatever stands below it; the smallest gives way.
function names(found, radius, box) {
  const [first, last] = [found[0], found.at(-1)];
  const placed = (column, point, wanted) => {
    const text = said(point);
    const side = column.x + radius < text.length * LETTER ? "start" : wanted; // not off the paper
    const from = side === "end" ? column.x + radius - text.length * LETTER : Math.max(column.x - radius, 0);
    const below = found.filter(({ x }) => x + radius > from && x - radius < from + text.length * LETTER);
    const floors = Math.max(...below.map((each) => each.length));
    return { from, to: from + text.length * LETTER, node: svg("text", { class: "name", x: side === "end" ? column.x + radius : from, y: box.bottom - floors * 2 * radius - 9, "text-anchor": side }, text) };
  };
  const most = placed(last, last.at(-1), "end");
  const least = placed(first, first[0], "start");
  return least.to < most.from ? [most.node, least.node] : [most.node];
}

const said = ({ label, x }) => `${clipped(label, NAME)}  ${activation(x)}`;

// Not every release of the index is drawn, and the counts beside each other must agree.
function heading(known, rows, width) {
  const words = `M of ${counted(known, "release")}`;
  if (rows <= known) return `${words}, log scale`;
  const why = `${number(rows - known)} copied, partial or without M`;
  return width < WIDE ? `${words}; ${why}` : `${words}, log scale; left aside: ${why}`;
}

// Neighbours that would overlap share a column, at the place of the first.
function columns(points, at, radius) {
  const found = [];
  for (const point of points) {
    const x = at(point.x);
    if (!found.length || x - found.at(-1).x >= 2 * radius) found.push(Object.assign([], { x }));
    found.at(-1).push(point);
  }
  return found;
}
