// Reading a line chart with a pointer: a hairline at the nearest step, and the values there. Only a
// convenience: the same numbers stand in the table below the chart.

import { h, svg } from "./dom.js";
import { activation } from "./format.js";
import { swatch } from "./series_style.js";

export function hover(drawing, { series, x, box, stop }) {
  const stops = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
  const hair = svg("line", { class: "hair", y1: box.top, y2: box.bottom, x1: 0, x2: 0, visibility: "hidden" });
  const said = h("p", { class: "readout", "aria-hidden": "true" }, HINT);
  drawing.append(hair);
  const read = (event) => {
    const { left, width } = drawing.getBoundingClientRect();
    const at = (event.clientX - left) * (drawing.viewBox.baseVal.width / width);
    const near = stops.reduce((one, other) => (Math.abs(x.at(other) - at) < Math.abs(x.at(one) - at) ? other : one), stops[0]);
    for (const end of ["x1", "x2"]) hair.setAttribute(end, x.at(near));
    hair.setAttribute("visibility", "visible");
    said.replaceChildren(h("b", {}, stop(near)), ...values(series, near));
  };
  // A finger that taps moves nothing, and what it asked for stays when it is lifted.
  drawing.addEventListener("pointerdown", read);
  drawing.addEventListener("pointermove", read);
  drawing.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType === "touch") return;
    hair.setAttribute("visibility", "hidden");
    said.replaceChildren(HINT);
  });
  return h("div", {}, drawing, said);
}

const HINT = "Tap or point at the chart to read its values.";

// Of each series the value at this stop or, where releases differ in layers, at its nearest one.
function values(series, at) {
  return series.map(({ place, points }) => {
    const [, value] = points.reduce((one, other) => (Math.abs(other[0] - at) < Math.abs(one[0] - at) ? other : one));
    return h("span", {}, swatch(place), activation(value));
  });
}
