// The page's head in one picture: every M of the index on log paper, stacked where they are many.
// Where they are too many to be drawn one by one, a mark stands for several, and says so.

import { ruling, scale } from "./axis.js";
import { figure } from "./chart.js";
import { svg } from "./dom.js";
import { activation, clipped, counted, number } from "./format.js";
import { standing } from "./series_style.js";
import { FP16 } from "./ruler.js";

const HEIGHT = 200;
const DRAWN = 5; // the radius that the shapes are drawn in
const RADII = [7.5, 6.5, 5.5, 4.5, 3.5, 2.6];
const SHARES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]; // releases that a mark stands for
const SANE = [1e-2, 1e9]; // what lies outside stands at the end
const LEAST_END = 1e6; // of the axis, so that there is room for words beyond fp16
const WIDE = 480;
const LETTER = 6.4; // pixels
const NAME = 22; // letters
const NEAR = 14; // pixels between a name and its mark, from which a line leads from one to the other
const ORDER = ["within", "near", "beyond"];

// `rows`: how many releases the index has; the finding leaves some aside.
export function dotPlot(place, finding, rows) {
  const points = (finding?.chart?.series ?? []).flatMap((kind) =>
    kind.points.filter(({ x }) => x > 0).map((point) => ({ ...point, stands: kind.total / kind.points.length })));
  place.hidden = !points.length;
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
  const known = together(points);
  const beyond = together(points.filter((point) => point.x > FP16));
  const about = points.some((point) => point.x > FP16 && point.stands > 1) ? "≈" : "";
  const found = stacked(points, at, box);
  const label = `M of ${counted(known, "release")} on a log axis, from ${activation(least.x)} (${least.label}) to ${activation(most.x)} (${most.label}); ${about}${number(beyond)} have M beyond fp16. ${finding.title}, in M or in a tensor beside it.`;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": label },
    svg("rect", { class: "over", x: at(FP16), y: box.top - 22, width: box.right - at(FP16), height: box.bottom - box.top + 22 }),
    ruling(x, box),
    svg("line", { class: "edge", x1: at(FP16), x2: at(FP16), y1: box.top - 22, y2: box.bottom }),
    svg("text", { class: "strong beyond", x: at(FP16) + 7, y: box.top - 8 }, beyondWords(`${about}${number(beyond)}`, box.right - at(FP16) - 7)),
    svg("text", { class: "strong", x: at(FP16) - 7, y: box.top - 8, "text-anchor": "end" }, `${about}${number(known - beyond)} below fp16's end, 65,504`),
    svg("text", { class: "label", x: box.left, y: 12 }, heading(known, rows, width, found.share)),
    x.ticks.map(({ value, label: text }, place) => svg("text", { class: "tick", x: x.at(value), y: HEIGHT - 5, "text-anchor": anchor(place, x.ticks.length) }, text)),
    found.marks);
}

function beyondWords(many, room) {
  const words = `${many} with M beyond`;
  return words.length * LETTER > room ? `${many} beyond` : words;
}

const together = (points) => Math.round(points.reduce((sum, { stands }) => sum + stands, 0));

function anchor(place, all) {
  if (place === 0) return "start";
  return place === all - 1 ? "end" : "middle";
}

// As many releases to a mark as it takes for marks that can be seen, the fewer the better.
function stacked(points, at, box) {
  const room = box.bottom - box.top - 22; // above the highest stack stands a name
  const tries = SHARES.flatMap((share) => RADII.map((radius) => ({ share, radius })));
  const fits = ({ share, radius }) => Math.max(...columns(points, at, radius, share).map((each) => each.length)) * 2 * radius <= room;
  const { share, radius } = tries.find(fits) ?? tries.at(-1);
  const found = columns(points, at, radius, share);
  const height = (floor) => box.bottom - radius - 3 - floor * 2 * radius;
  const marks = found.flatMap((column) => column.map(({ point, many }, floor) => standing(point.level, {
    transform: `translate(${column.x.toFixed(1)} ${height(floor).toFixed(1)}) scale(${(radius * 0.9 / DRAWN).toFixed(2)})`,
  }, many > 1 ? `${number(many)} releases near ${activation(point.x)}` : said(point))));
  return { share, marks: [...names(found, radius, height, box.right + box.left), ...marks] };
}

// The two ends have names, each above whatever stands below it and with a line to its mark, which
// stands on top of its column; the smallest gives way.
function names(found, radius, height, width) {
  const most = placed(found, found.at(-1), "most", radius, height, width);
  const least = placed(found, found[0], "least", radius, height, width);
  return least.to < most.from ? [...most.nodes, ...least.nodes] : most.nodes;
}

function placed(found, column, end, radius, height, width) {
  const text = said(column[end]);
  const wide = text.length * LETTER;
  const wanted = end === "most" ? column.x + radius - wide : column.x - radius;
  const from = Math.max(0, Math.min(wanted, width - wide)); // not off the paper
  const below = found.filter(({ x }) => x + radius > from && x - radius < from + wide);
  const y = height(Math.max(...below.map((each) => each.length)) - 1) - radius - 6;
  const top = height(column.length - 1) - radius;
  return { from, to: from + wide, nodes: [
    top - y > NEAR ? svg("path", { class: "lead", d: `M${column.x.toFixed(1)} ${(y + 3).toFixed(1)}V${(top - 1).toFixed(1)}` }) : null,
    svg("text", end === "most" ? { class: "name", x: from + wide, y, "text-anchor": "end" } : { class: "name", x: from, y }, text),
  ] };
}

const said = ({ label, x }) => `${clipped(label, NAME)}  ${activation(x)}`;

// Not every release of the index is drawn, and the counts beside each other must agree.
function heading(known, rows, width, share) {
  const words = `M of ${counted(known, "release")}${share > 1 ? `, a mark for every ${number(share)}` : ""}`;
  if (rows <= known) return `${words}, log scale`;
  const why = `${number(rows - known)} copied, partial or without M`;
  return width < WIDE ? `${words}; ${why}` : `${words}, log scale; left aside: ${why}`;
}

// Neighbours that would overlap share a column, at the place of the first. Its marks are piled by
// their standing against fp16, the extreme of the whole picture on top.
function columns(points, at, radius, share) {
  const found = [];
  for (const point of points) {
    const x = at(point.x);
    if (!found.length || x - found.at(-1).x >= 2 * radius) found.push({ x, points: [] });
    found.at(-1).points.push(point);
  }
  const over = Object.fromEntries(ORDER.map((level) => [level, 0])); // drawn too many or too few, so far
  return found.map(({ x, points: some }, place) => {
    const marks = ORDER.flatMap((level) => marked(some.filter((point) => point.level === level), share, over, level));
    if (place === 0 && found.length > 1) marks.reverse();
    return Object.assign(marks, { x, least: some[0], most: some.at(-1) });
  });
}

// Every kind that a column holds has a mark at least; what is rounded away is made up for later.
function marked(points, share, over, level) {
  const all = together(points);
  const marks = points.length && Math.max(1, Math.round((all - over[level]) / share));
  over[level] += marks * share - all;
  return Array.from({ length: marks }, (_, place) => ({ point: points[Math.floor((place * points.length) / marks)], many: Math.round(all / marks) }));
}
