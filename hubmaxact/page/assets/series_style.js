// How one release differs from the next in a picture: colour, dash and marker together, so that
// nobody has to tell them apart by colour alone.

import { svg } from "./dom.js";

const DASHES = ["", "7 4", "2 4", "9 3 2 3", "", "7 4", "2 4", "9 3 2 3"];
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  "M-4 -4h8v8h-8z",
  "M0 -5l5 9h-10z",
  "M0 -5.5l5.5 5.5l-5.5 5.5l-5.5 -5.5z",
  "M-5 -4h10l-5 9z",
  "M-5 -1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
  "M-4 -4l8 8M4 -4l-8 8",
  "M-5 0h10M0 -5v10",
];

// A release's standing against fp16, the same shape and colour wherever it is drawn.
const LEVELS = {
  beyond: "M0 -5l5 9h-10z",
  near: "M0 -5l5 5l-5 5l-5 -5z",
  within: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
  unknown: "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0",
};

export const colour = (place) => `series s${place % SHAPES.length}`;
export const dash = (place) => DASHES[place % DASHES.length];

export function marker(place, x, y, title) {
  return svg("path", { class: `${colour(place)} marker`, d: SHAPES[place % SHAPES.length], transform: `translate(${x} ${y})` },
    title ? svg("title", {}, title) : null);
}

export function standing(level, attributes, title) {
  return svg("path", { class: `standing ${level}`, d: LEVELS[level], ...attributes }, title ? svg("title", {}, title) : null);
}

export function swatch(place) {
  return svg("svg", { class: "swatch", viewBox: "0 0 28 12", width: 28, height: 12, "aria-hidden": "true" },
    svg("line", { class: `${colour(place)} line`, x1: 0, x2: 28, y1: 6, y2: 6, "stroke-dasharray": dash(place) }),
    marker(place, 14, 6));
}

export function badge(level) {
  return svg("svg", { class: "badge", viewBox: "-6 -6 12 12", width: 11, height: 11, "aria-hidden": "true" }, standing(level));
}
