// Charts as SVG, as wide as the place they stand in. Each is given numbers and labels, never rows.

import { horizontal, limits, scale, vertical } from "./axis.js";
import { pointLabels, LETTER } from "./point_labels.js";
import { h, svg } from "./dom.js";
import { activation, clipped, number } from "./format.js";
import { colour, dash, marker, standing } from "./series_style.js";
import { hover } from "./hover.js";

const LEAST_WIDTH = 280;
const ROW = 26;
const WIDE = 640; // from here on a line's name stands at its end
const APART = 16; // pixels between two names
const ABOVE = 16; // pixels of a row whose name stands above it
const LANE = 11; // pixels between the points of one row, one lane for each release
const NAMES = 74; // pixels before the first step, for the names of limits
const ROOM = 0.06; // above the highest value, so that its marker is whole
const CROWDED = 40; // points from which on a line gets fewer markers

// Draw into a figure, and again whenever its width changes.
export function figure(label, draw) {
  const place = h("div", { class: "plot" });
  let width = 0;
  new ResizeObserver(([entry]) => {
    const next = Math.max(LEAST_WIDTH, Math.floor(entry.contentRect.width));
    if (next === width) return;
    width = next;
    place.replaceChildren(draw(width));
  }).observe(place);
  return h("figure", { role: "group", "aria-label": label }, place);
}

function canvas(label, width, height, ...children) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);
}

// series: [{place, label, points: [[x, y]]}]; y that is not known breaks the line. `stop` says in
// words where on the x axis a reader points.
export function lines({ label, xLabel, yLabel, series, formats = [], xLog = false, yLog = true, stop }) {
  return figure(label, (width) => {
    const named = width >= WIDE && series.length > 1;
    const margin = named ? 22 + LETTER * Math.min(24, Math.max(...series.map((each) => [...each.label].length))) : 18;
    const box = { left: 50, right: width - margin, top: 30, bottom: width < WIDE ? 290 : 350 };
    const points = series.flatMap((each) => each.points);
    const known = points.map(([, y]) => y).filter((y) => y !== null);
    const y = scale([...known, ...reached(formats, known)], [box.bottom, box.top], { log: yLog, room: ROOM });
    const lane = formats.length && width >= WIDE ? NAMES : 8;
    const x = scale(points.map(([at]) => at), [box.left + lane, box.right - 8], { log: xLog });
    const drawing = canvas(label, width, box.bottom + 44,
      horizontal(x, box, xLabel), vertical(y, box, yLabel),
      limits(formats, y, box, { across: true }),
      series.map((each) => line(each, x, y, stop ? series.length : 1)),
      stop ? null : pointLabels(series.flatMap((each) => each.points.map(([at, value, label]) => ({ x: at, y: value, label }))), x, y, box, { lined: true }),
      named ? endings(series, x, y, box) : null);
    return stop ? hover(drawing, { series, x, box, stop }) : drawing;
  });
}

// `share`: how many lines share the steps. Where they are layers, each line has its markers at
// steps of its own, so that lines which lie on each other are all seen.
function line({ place, label, points }, x, y, share) {
  const known = points.filter(([, value]) => value !== null);
  let pen = "M";
  const path = points.map(([at, value]) => {
    const step = value === null ? "" : `${pen}${x.at(at)} ${y.at(value)}`;
    pen = value === null ? "M" : "L";
    return step;
  });
  const every = Math.min(Math.max(Math.ceil(known.length / CROWDED), share), known.length);
  const marked = known.filter((_, index) => index % every === place % every);
  return svg("g", { class: "lined", "data-place": place },
    svg("path", { class: `${colour(place)} line`, d: path.join(""), "stroke-dasharray": dash(place) }),
    marked.map(([at, value]) => marker(place, x.at(at), y.at(value), `${label}: ${activation(value)}`)));
}

// The name of each line at its last point, moved apart where lines end together.
function endings(series, x, y, box) {
  const last = series.map(({ place, label, points }) => {
    const [at, value] = points.findLast(([, known]) => known !== null) ?? [0, 0];
    return { place, label, x: x.at(at), wanted: y.at(value) };
  }).sort((one, other) => one.wanted - other.wanted);
  let lowest = box.top - APART;
  for (const each of last) lowest = each.y = Math.max(each.wanted, lowest + APART);
  let ceiling = box.bottom + APART;
  for (const each of last.toReversed()) ceiling = each.y = Math.min(each.y, ceiling - APART);
  return last.map((each) => svg("g", { class: `${colour(each.place)} ending`, "data-place": each.place },
    svg("path", { class: "lead", d: `M${each.x + 7} ${each.wanted}L${box.right + 6} ${each.y}` }),
    svg("text", { x: box.right + 10, y: each.y + 4 }, clipped(each.label, 24))));
}

export function scatter({ label, xLabel, yLabel, series, formats = [], xLog, yLog }) {
  return figure(label, (width) => {
    const box = { left: 50, right: width - 22, top: 30, bottom: 300 };
    const points = series.flatMap((each) => each.points);
    const across = points.map((point) => point.x);
    const x = scale(across, [box.left, box.right], { log: xLog });
    const y = scale(points.map((point) => point.y), [box.bottom, box.top], { log: yLog, room: ROOM });
    return canvas(label, width, 344, horizontal(x, box, xLabel), vertical(y, box, yLabel),
      limits(formats.x ?? [], x, box, { across: false }), limits(formats.y ?? [], y, box, { across: true }),
      series.map(({ points: some }, place) => some.map((point) =>
        marker(place, x.at(point.x), y.at(point.y), `${point.label}: ${number(point.x)}, ${number(point.y)}`))),
      pointLabels(points, x, y, box));
  });
}

// rows: [{label, points: [{place or level, value, title}]}], one line each, on one axis.
export function dots({ label, xLabel, rows, formats = [], log = true }) {
  return figure(label, (width) => {
    const lanes = Math.max(...rows.map(({ points }) => (points.length > 1 ? Math.max(...points.map(({ place }) => place)) + 1 : 1)));
    const band = Math.max(ROW, lanes * LANE + 8);
    const { left, above, name } = margin(rows, width);
    const row = above + band;
    const box = { left, right: width - 26, top: 24, bottom: 24 + rows.length * row };
    const values = rows.flatMap(({ points }) => points.map(({ value }) => value));
    const x = scale([...values, ...reached(formats, values)], [box.left, box.right], { log });
    return canvas(label, width, box.bottom + 44, horizontal(x, box, xLabel),
      limits(formats, x, box, { across: false }),
      rows.map(({ label: text, points }, place) => {
        const y = box.top + (place + 1) * row - band / 2;
        const under = lanes > 1 ? y + band / 2 : y; // a line through many points would hide some
        return svg("g", {},
          svg("line", { class: lanes > 1 ? "row between" : "row", x1: left, x2: box.right, y1: under, y2: under }),
          name(text, above ? y - band / 2 - 1 : y + 4),
          points.map((point) => dot(point, x.at(point.value), y + (lanes > 1 ? (point.place - (lanes - 1) / 2) * LANE : 0))));
      }));
  });
}

function dot({ level, place, title }, x, y) {
  return level ? standing(level, { transform: `translate(${x} ${y})` }, title) : marker(place, x, y, title);
}

export function bars({ label, xLabel, rows }) {
  return figure(label, (width) => {
    const { left, above, name } = margin(rows, width);
    const row = above + ROW;
    const box = { left, right: width - 46, top: 8, bottom: 8 + rows.length * row };
    const x = scale(rows.map(({ value }) => value), [box.left, box.right]);
    return canvas(label, width, box.bottom + 44, horizontal(x, box, xLabel),
      rows.map(({ label: text, value, place }, line) => {
        const y = box.top + (line + 1) * row - ROW;
        return svg("g", {},
          name(text, above ? y - 1 : y + ROW / 2 + 4),
          svg("rect", { class: `${colour(place)} bar`, x: left, y: y + 6, width: Math.max(1, x.at(value) - left), height: ROW - 12 }),
          svg("text", { class: "value", x: x.at(value) + 6, y: y + 17 }, number(value)));
      }));
  });
}

// Names stand left of the rows, or above them where that would take more than a good third.
function margin(rows, width) {
  const longest = Math.max(...rows.map(({ label }) => [...label].length)) * LETTER + 16;
  if (longest > Math.max(width * 0.42, 120) && width < WIDE) {
    const name = (text, y) => svg("text", { class: "name", x: 8, y }, clipped(text, (width - 30) / LETTER));
    return { left: 8, above: ABOVE, name };
  }
  const left = Math.min(Math.ceil(longest), Math.floor(width * 0.42));
  const name = (text, y) => svg("text", { class: "name", x: left - 10, y, "text-anchor": "end" }, clipped(text, (left - 14) / LETTER));
  return { left, above: 0, name };
}

// A limit belongs on the axis when values come near it; else it would only press them together.
function reached(formats, values) {
  const highest = values.reduce((one, other) => Math.max(one, other), 0);
  return formats.map(({ largest }) => largest).filter((largest) => largest <= highest * 200);
}
