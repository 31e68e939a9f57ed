// The paper's findings, recomputed from the index: all words come with the data, this draws them.

import { bars, dots, lines, scatter } from "./chart.js";
import { details, h, svg, table } from "./dom.js";
import { activation, any, number, rounded } from "./format.js";
import { marker, standing } from "./series_style.js";

const MOST_ROWS = 30; // of a dot chart; the table below it has them all

// Without a scope in the address, the one that this index answers for first.
export function findings({ scopes, first, findings: all }, state, about, go) {
  const scope = state.scope || first;
  return h("section", { id: "findings", "aria-label": "Findings" },
    h("fieldset", { class: "switch scopes" }, h("legend", {}, "Computed over"), scopes.map(({ id, label, basis }) =>
      h("label", {}, h("input", { type: "radio", name: "scope", value: id, checked: id === scope, onchange: () => go({ scope: id === first ? "" : id }) }),
        h("span", {}, label, h("small", {}, basis))))),
    all[scope].map((finding) => card(finding, about)));
}

function card(finding, about) {
  return h("article", { id: `finding-${finding.id}`, class: "finding" },
    h("div", { class: "words" },
      h("p", { class: finding.answer === null ? "answer none" : "answer" }, finding.answer ?? "–"),
      h("h2", {}, finding.title), finding.sentences.map((sentence) => h("p", {}, h("bdi", {}, sentence))),
      h("p", { class: "basis" }, `This ${finding.basis}.`)),
    h("div", { class: "shown" },
      finding.chart ? [drawn(finding.chart, finding.title, about), legend(finding.chart)] : null,
      finding.table.rows.length ? details(`finding-${finding.id}`, "These numbers", table(finding.title, finding.table.head,
        finding.table.rows.map((row) => h("tr", {}, row.map(value))))) : null));
}

function value(cell) {
  if (typeof cell !== "number") return h("td", {}, h("bdi", {}, any(cell)));
  return h("td", { class: "number", title: cell }, Number.isInteger(cell) ? number(cell) : rounded(cell));
}

function drawn(chart, label, about) {
  const labels = { label, xLabel: chart.x_label, yLabel: chart.y_label };
  const fp16 = about.formats.filter(({ name }) => name === "float16");
  const named = chart.series.map((series, place) => ({ ...series, place }));
  const logs = { xLog: chart.x_log, yLog: chart.y_log };
  const end = (axis) => (axis === "M" ? fp16 : []);
  if (chart.kind === "scatter") return scatter({ ...labels, ...logs, series: named, formats: { x: end(chart.x_label), y: end(chart.y_label) } });
  if (chart.kind === "lines") {
    return lines({ ...labels, ...logs, series: named.map((series) => ({ ...series, points: series.points.map(({ x, y, label: name }) => [x, y, name]) })) });
  }
  return rowed(chart, named, labels, end);
}

function rowed(chart, named, labels, end) {
  const placed = named.flatMap(({ points, place, label }) => points.map((point) => ({ ...point, place, series: label })));
  if (chart.kind === "bars") {
    return bars({ ...labels, rows: placed.map(({ label, x, place, series }) => ({ label: named.length > 1 ? `${label}, ${series}` : label, value: x, place })) });
  }
  const formats = chart.kind === "ratios" ? [{ label: "no difference", largest: 1 }] : end(chart.x_label);
  return dots({ ...labels, formats, log: chart.x_log, rows: placed.slice(0, MOST_ROWS).map(({ label, x, place, level }) =>
    ({ label, points: [{ place, level, value: x, title: `${label}: ${activation(x)}` }] })) });
}

function legend(chart) {
  const { series, kind } = chart;
  if (series.length < 2 || kind === "bars") return null;
  // Releases held against fp16 have the shapes of the table, not one of a series each.
  const shape = ({ points }, place) => (points[0].level ? standing(points[0].level) : marker(place, 0, 0));
  return h("ul", { class: "legend" }, series.map((each, place) => h("li", {},
    svg("svg", { viewBox: "-6 -6 12 12", width: 12, height: 12, "aria-hidden": "true" }, shape(each, place)), each.label)));
}
