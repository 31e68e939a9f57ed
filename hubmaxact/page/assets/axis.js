// Scales and axes of the charts: values to pixels, the ruling of semi-log paper, ticks at powers of
// ten, lines where a number format ends.

import { svg } from "./dom.js";

const NAME_ROOM = 60; // pixels that a limit's name needs before its line
const MOST_POWERS = 8; // of ten, that get a number
const MOST_RULED = 12; // decades, beyond which the fine lines would be a grey area

// Positions of values between two pixels; a logarithmic one shows zero and below at its low end, an
// even one begins at zero and leaves `room`, as a share of it, above the highest value.
export function scale(values, [from, to], { log = false, room = 0 } = {}) {
  const finite = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  const [low, high] = log ? decades(finite) : padded(finite, room);
  const mapped = (value) => (log ? Math.max(Math.log10(Math.max(value, Number.MIN_VALUE)), low) : value);
  const at = (value) => Number((from + ((mapped(value) - low) / (high - low)) * (to - from)).toFixed(2));
  return { at, low, high, log, ticks: log ? powers(low, high) : steps(low, high) };
}

function decades(values) {
  if (!values.length) return [0, 1];
  const low = Math.floor(Math.log10(least(values)));
  // A peak of exactly a power of ten would lie on the frame.
  return [low, Math.max(low + 1, Math.ceil(Math.log10(most(values)) + 0.05))];
}

function padded(values, room) {
  if (!values.length) return [0, 1];
  const low = Math.min(0, least(values));
  const high = most(values);
  return [low, high > low ? high + (high - low) * room : low + 1];
}

// Not Math.min(...values): ten thousand arguments are too many for some browsers.
const least = (values) => values.reduce((one, other) => Math.min(one, other));
const most = (values) => values.reduce((one, other) => Math.max(one, other));

function powers(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / MOST_POWERS));
  const ticks = [];
  for (let exponent = low; exponent <= high; exponent += step) {
    ticks.push({ value: 10 ** exponent, label: power(exponent) });
  }
  return ticks;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function power(exponent) {
  if (exponent >= 0 && exponent <= 3) return String(10 ** exponent).replace("1000", "1,000");
  const digits = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPTS[Number(digit)]);
  return `10${exponent < 0 ? "⁻" : ""}${digits.join("")}`;
}

function steps(low, high) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((times) => unit * times >= rough);
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) {
    ticks.push({ value, label: String(Number(value.toPrecision(6))) });
  }
  return ticks;
}

// The fine lines of log paper, at 2 to 9 of each decade, and the decades themselves; one path for
// each, because a chart of forty decades would have hundreds of elements.
export function ruling({ low, high, at }, box, { rows = false } = {}) {
  const line = (value) => (rows ? `M${box.left} ${at(value)}H${box.right}` : `M${at(value).toFixed(1)} ${box.top}V${box.bottom}`);
  const fine = [];
  const whole = [];
  for (let exponent = low; exponent <= high; exponent += 1) {
    whole.push(line(10 ** exponent));
    if (exponent < high && high - low <= MOST_RULED) {
      for (let digit = 2; digit < 10; digit += 1) fine.push(line(digit * 10 ** exponent));
    }
  }
  return svg("g", { class: "ruling" }, svg("path", { class: "fine", d: fine.join("") }), svg("path", { class: "whole", d: whole.join("") }));
}

export function horizontal(x, box, label) {
  const lines = x.log ? ruling(x, box) : straight(x.ticks.map(({ value }) => `M${x.at(value)} ${box.top}V${box.bottom}`));
  return svg("g", { class: "axis" }, lines,
    x.ticks.map(({ value, label: text }) => svg("text", { class: "tick", x: x.at(value), y: box.bottom + 17, "text-anchor": "middle" }, text)),
    svg("text", { x: box.right, y: box.bottom + 36, "text-anchor": "end", class: "label" }, `${label ?? ""} →`));
}

export function vertical(y, box, label) {
  const lines = y.log ? ruling(y, box, { rows: true }) : straight(y.ticks.map(({ value }) => `M${box.left} ${y.at(value)}H${box.right}`));
  return svg("g", { class: "axis" }, lines,
    y.ticks.map(({ value, label: text }) => svg("text", { class: "tick", x: box.left - 8, y: y.at(value) + 4, "text-anchor": "end" }, text)),
    svg("text", { x: box.left - 42, y: box.top - 12, class: "label" }, `↑ ${label ?? ""}`));
}

function straight(lines) {
  return svg("g", { class: "ruling" }, svg("path", { class: "whole", d: lines.join("") }));
}

// Where a number format ends: a dashed line with its name, if it lies within the axis. Beyond fp16
// the paper is tinted, as beyond that line alone an unscaled value is lost.
export function limits(formats, axis, box, { across }) {
  const [first, last] = [axis.log ? 10 ** axis.low : axis.low, axis.log ? 10 ** axis.high : axis.high];
  const inside = formats.filter(({ largest }) => largest >= first && largest <= last);
  const before = inside.filter(({ name }) => name !== "float16").map(({ largest }) => axis.at(largest)); // whose name stands before its line
  return inside.map((format, place) => {
    const at = axis.at(format.largest);
    const hard = format.name === "float16";
    return svg("g", { class: hard ? "limit hard" : "limit" }, hard ? tint(at, box, across) : null,
      svg("line", across ? { x1: box.left, x2: box.right, y1: at, y2: at } : { x1: at, x2: at, y1: box.top, y2: box.bottom }),
      // fp16 and E5M2 end close to each other: their names take turns, so that both can be read.
      svg("text", across ? beside(at, box, place) : above(at, box, format, before), format.label));
  });
}

const beside = (at, box, place) => ({ x: box.left + 6, y: at + (place % 2 ? 13 : -5) });

// fp16's name stands after its line, the others' before theirs where there is room; a name that a
// neighbour's would cover stands a line lower.
function above(at, box, { name }, others) {
  const after = name === "float16" || at - box.left < NAME_ROOM;
  const end = at + (after ? NAME_ROOM : 0);
  const covered = others.some((other) => other > at && other - NAME_ROOM < end);
  return { x: at + (after ? 4 : -2), y: box.top + (covered ? 13 : -6), "text-anchor": after ? "start" : "end" };
}

function tint(at, box, across) {
  return svg("rect", across
    ? { class: "over", x: box.left, y: box.top, width: box.right - box.left, height: Math.max(0, at - box.top) }
    : { class: "over", x: at, y: box.top, width: Math.max(0, box.right - at), height: box.bottom - box.top });
}
