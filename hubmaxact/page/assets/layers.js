// Where the picked releases are large: the maxima of each layer and of each role, drawn and in numbers.

import { dots, lines } from "./chart.js";
import { details, h, name, table } from "./dom.js";
import { activation } from "./format.js";
import { swatch } from "./series_style.js";
import { highlightable } from "./highlight.js";
import { ROLES } from "./state.js";

export function byLayer(releases, state, about, go) {
  const column = `${state.role}_by_layer`;
  const title = (role) => about.roles.find((each) => each.name === role)?.label ?? role;
  const known = releases.map((release, place) => ({ release, place, values: release.row[column] })).filter(({ values }) => values?.length);
  const without = releases.filter(({ row }) => !row[column]?.length);
  const label = `Largest |a| of each layer, ${title(state.role)}`;
  return highlightable(h("section", {}, h("h3", {}, "By layer"),
    h("fieldset", { class: "switch" }, h("legend", {}, "Tensor"), ROLES.map((role) => h("label", {},
      h("input", { type: "radio", name: "role", value: role, checked: role === state.role, onchange: () => go({ role }, { replace: true }) }), h("span", {}, title(role))))),
    known.length ? drawn(known, label, about) : h("p", { class: "nothing" }, "None of these has values by layer."),
    without.length ? h("p", { class: "note" }, "No values by layer: ", without.map((release, place) => [place ? ", " : "", name(release.name)]),
      ". The paper's files give one maximum for each role; a report of one's own gives every layer.") : null,
    known.length ? details("layer-numbers", "These numbers", numbers(known, label)) : null));
}

// Releases with as many layers share an axis of layers; others one of depth, or the short ones
// would seem to end early.
function drawn(known, label, about) {
  const counts = new Set(known.map(({ values }) => values.length));
  const same = counts.size === 1;
  const at = (layer, all) => (same ? layer : (100 * (layer + 0.5)) / all);
  const series = known.map(({ release, place, values }) => ({ place, label: release.name, points: values.map((value, layer) => [at(layer, values.length), value]) }));
  const stop = (x) => (same ? `layer ${x}` : `depth ${x.toFixed(0)} %`);
  return [
    lines({ label, xLabel: same ? "layer" : "depth, % of the layers", yLabel: "largest |a|", formats: about.formats, series, stop }),
    known.length > 1 ? names(known) : legend(known),
    same ? null : h("p", { class: "note" }, `Their layers differ (${[...counts].sort((a, b) => a - b).join(", ")}), so they are drawn by depth: 0 % is before the first layer, 100 % after the last.`),
    h("p", { class: "note" }, "FP8 is used with a scale: crossing its dashed line is no verdict."),
  ];
}

function numbers(known, label) {
  const most = Math.max(...known.map(({ values }) => values.length));
  const rows = Array.from({ length: most }, (_, layer) => h("tr", {}, h("th", { scope: "row" }, String(layer)),
    known.map(({ values }) => h("td", { class: "number", title: values[layer] }, layer < values.length ? activation(values[layer]) : ""))));
  return table(label, ["Layer", ...known.map(({ release }) => name(release.name))], rows);
}

export function byRole(releases, about) {
  const label = "Largest |a| of each role";
  const value = ({ row }, role) => row[`max_${role}`] ?? null;
  const rows = about.roles.map((role) => ({
    label: role.label,
    points: releases.map((release, place) => ({ release, place, value: value(release, role.name) })).filter((point) => point.value !== null)
      .map(({ release, place, value: signed }) => ({ place, value: Math.abs(signed), title: `${release.name}: ${activation(Math.abs(signed))}` })),
  }));
  const cells = about.roles.map((role) => h("tr", {}, h("th", { scope: "row" }, role.label, role.in_m ? "" : " (not in M)"),
    releases.map((release) => h("td", { class: "number", title: value(release, role.name) }, activation(value(release, role.name))))));
  return h("section", {}, h("h3", {}, "By role"), dots({ label, xLabel: "largest |a|", rows, formats: about.formats }),
    legend(releases.map((release, place) => ({ release, place }))),
    h("p", { class: "note" }, "MLP gate and router logits are reported beside M and do not count in it."),
    details("role-numbers", "These numbers, with their signs", table("Largest value of each role, signed", ["Role", ...releases.map((release) => name(release.name))], cells)));
}

// Names that bring their lines to the front.
function names(known) {
  return h("ul", { class: "legend", "aria-label": "Lines; the one pointed at comes to the front" }, known.map(({ release, place }) => h("li", {},
    h("button", { type: "button", class: "link key", id: `line-${place}`, "data-highlights": place }, swatch(place), name(release.name)))));
}

function legend(known) {
  return h("ul", { class: "legend" }, known.map(({ release, place }) => h("li", {}, swatch(place), name(release.name))));
}
