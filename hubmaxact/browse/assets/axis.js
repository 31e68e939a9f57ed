// Scales and axes of the charts: values to pixels, ticks at powers of ten, lines at a format's end.

import { svg } from "./dom.js";

// Positions of values between two pixels; a logarithmic one shows zero and below at its low end.
export function scale(values, [from, to], { log = false } = {}) {
  const finite = values.filter((value) => Number.isFinite(value) && (!log || value > 0));
  const [low, high] = log ? decades(finite) : padded(finite);
  const mapped = (value) => (log ? Math.log10(Math.max(value, 10 ** low)) : value);
  const at = (value) => from + ((mapped(value) - low) / (high - low)) * (to - from);
  return { at, ticks: log ? powers(low, high) : steps(low, high), log };
}

function decades(values) {
  if (!values.length) return [0, 1];
  const low = Math.floor(Math.log10(least(values)));
  return [low, Math.max(low + 1, Math.ceil(Math.log10(most(values))))];
}

function padded(values) {
  if (!values.length) return [0, 1];
  const low = Math.min(0, least(values));
  const high = most(values);
  return [low, high > low ? high : low + 1];
}

// Not Math.min(...values): ten thousand arguments are too many for some browsers.
const least = (values) => values.reduce((one, other) => Math.min(one, other));
const most = (values) => values.reduce((one, other) => Math.max(one, other));

function powers(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 7));
  const ticks = [];
  for (let exponent = low; exponent <= high; exponent += step) {
    ticks.push({ value: 10 ** exponent, label: power(exponent) });
  }
  return ticks;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function power(exponent) {
  if (exponent >= 0 && exponent <= 6) return (10 ** exponent).toLocaleString("en-US");
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

export function horizontal(x, box, label) {
  return svg("g", { class: "axis" },
    x.ticks.map(({ value, label: text }) => svg("g", {},
      svg("line", { class: "grid", x1: x.at(value), x2: x.at(value), y1: box.top, y2: box.bottom }),
      svg("text", { x: x.at(value), y: box.bottom + 18, "text-anchor": "middle" }, text))),
    svg("text", { x: (box.left + box.right) / 2, y: box.bottom + 38, "text-anchor": "middle", class: "label" }, label));
}

export function vertical(y, box, label) {
  return svg("g", { class: "axis" },
    y.ticks.map(({ value, label: text }) => svg("g", {},
      svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y.at(value), y2: y.at(value) }),
      svg("text", { x: box.left - 8, y: y.at(value) + 4, "text-anchor": "end" }, text))),
    svg("text", { x: box.left, y: box.top - 12, class: "label" }, label));
}

// Where a number format ends: a dashed line with its name, if it lies within the axis.
export function limits(formats, axis, box, { across }) {
  const inside = formats.filter(({ largest }) => largest >= axis.ticks[0].value && largest <= axis.ticks.at(-1).value);
  return inside.map(({ label, largest }, place) => {
    const at = axis.at(largest);
    // fp16 and E5M2 end close to each other: their names take turns, so that both can be read.
    const line = across ? { x1: box.left, x2: box.right, y1: at, y2: at } : { x1: at, x2: at, y1: box.top, y2: box.bottom };
    const words = across
      ? { x: box.right - 4, y: at + (place % 2 ? 14 : -5), "text-anchor": "end" }
      : { x: at + (place % 2 ? -4 : 4), y: box.top + 10, "text-anchor": place % 2 ? "end" : "start" };
    return svg("g", { class: "limit" }, svg("line", line), svg("text", words, label));
  });
}
