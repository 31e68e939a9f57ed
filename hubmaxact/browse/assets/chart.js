// Charts as SVG, as wide as the place they stand in. Each is given numbers and labels, never rows.

import { horizontal, limits, scale, vertical } from "./axis.js";
import { h, svg } from "./dom.js";
import { number } from "./format.js";
import { colour, dash, marker } from "./marks.js";

const LEAST_WIDTH = 300;
const ROW = 26;

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

// series: [{place, label, points: [[x, y]]}]; y that is not known breaks the line.
export function lines({ label, xLabel, yLabel, series, formats = [], xLog = false, yLog = true }) {
  return figure(label, (width) => {
    const box = { left: 74, right: width - 12, top: 28, bottom: 330 };
    const points = series.flatMap((each) => each.points);
    const known = points.map(([, y]) => y).filter((y) => y !== null);
    const y = scale([...known, ...reached(formats, known)], [box.bottom, box.top], { log: yLog });
    const x = scale(points.map(([at]) => at), [box.left, box.right], { log: xLog });
    return canvas(label, width, 376,
      horizontal(x, box, xLabel), vertical(y, box, yLabel),
      limits(formats, y, box, { across: true }),
      series.map((each) => line(each, x, y)));
  });
}

function line({ place, label, points }, x, y) {
  const known = points.filter(([, value]) => value !== null);
  let pen = "M";
  const path = points.map(([at, value]) => {
    const step = value === null ? "" : `${pen}${x.at(at).toFixed(1)} ${y.at(value).toFixed(1)}`;
    pen = value === null ? "M" : "L";
    return step;
  });
  return svg("g", {},
    svg("path", { class: `${colour(place)} line`, d: path.join(""), "stroke-dasharray": dash(place) }),
    known.map(([at, value]) => marker(place, x.at(at), y.at(value), `${label}: ${number(value)}`)));
}

export function scatter({ label, xLabel, yLabel, series, xLog, yLog }) {
  return figure(label, (width) => {
    const box = { left: 74, right: width - 36, top: 28, bottom: 300 };
    const points = series.flatMap((each) => each.points);
    const x = scale(points.map((point) => point.x), [box.left, box.right], { log: xLog });
    const y = scale(points.map((point) => point.y), [box.bottom, box.top], { log: yLog });
    return canvas(label, width, 346, horizontal(x, box, xLabel), vertical(y, box, yLabel),
      series.map(({ points: some }, place) => some.map((point) =>
        marker(place, x.at(point.x), y.at(point.y), `${point.label}: ${number(point.x)}, ${number(point.y)}`))));
  });
}

// rows: [{label, marks: [{place, value, title}]}], one line each, on one axis.
export function dots({ label, xLabel, rows, formats = [], log = true }) {
  return figure(label, (width) => {
    const left = Math.min(280, Math.floor(width * 0.36));
    const box = { left, right: width - 36, top: 24, bottom: 24 + rows.length * ROW };
    const values = rows.flatMap(({ marks }) => marks.map(({ value }) => value));
    const x = scale([...values, ...reached(formats, values)], [box.left, box.right], { log });
    return canvas(label, width, box.bottom + 46, horizontal(x, box, xLabel),
      limits(formats, x, box, { across: false }),
      rows.map(({ label: text, marks }, place) => {
        const y = box.top + (place + 0.5) * ROW;
        return svg("g", {},
          svg("text", { class: "name", x: left - 12, y: y + 4, "text-anchor": "end" }, clipped(text, left)),
          marks.map((mark) => marker(mark.place, x.at(mark.value), y, mark.title)));
      }));
  });
}

export function bars({ label, xLabel, rows }) {
  return figure(label, (width) => {
    const left = Math.min(280, Math.floor(width * 0.36));
    const box = { left, right: width - 40, top: 8, bottom: 8 + rows.length * ROW };
    const x = scale(rows.map(({ value }) => value), [box.left, box.right]);
    return canvas(label, width, box.bottom + 46, horizontal(x, box, xLabel),
      rows.map(({ label: text, value, place }, line) => {
        const y = box.top + line * ROW;
        return svg("g", {},
          svg("text", { class: "name", x: left - 12, y: y + 17, "text-anchor": "end" }, clipped(text, left)),
          svg("rect", { class: `${colour(place)} bar`, x: left, y: y + 5, width: Math.max(1, x.at(value) - left), height: ROW - 10, rx: 3 }),
          svg("text", { x: x.at(value) + 6, y: y + 17 }, number(value)));
      }));
  });
}

// A limit belongs on the axis when values come near it; else it would only press them together.
function reached(formats, values) {
  const highest = values.reduce((one, other) => Math.max(one, other), 0);
  return formats.map(({ largest }) => largest).filter((largest) => largest <= highest * 100);
}

// Text in SVG does not wrap: cut by code points to what the margin holds.
function clipped(text, width) {
  const most = Math.max(6, Math.floor((width - 14) / 7.5));
  const letters = [...text];
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
}
