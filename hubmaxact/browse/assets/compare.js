// The picked releases side by side: verdicts, maxima by layer and by role, INT-8 rows, protocols.

import { dots, lines } from "./chart.js";
import { details, h, name, table } from "./dom.js";
import { any, decibels, number } from "./format.js";
import { swatch } from "./marks.js";
import { ROLES } from "./state.js";

export function comparison({ releases, unknown }, state, about, go) {
  if (!releases.length && !unknown.length) return null;
  return h("section", { id: "compare", "aria-labelledby": "compare-title" },
    h("h2", { id: "compare-title" }, releases.length === 1 ? "One release" : `${releases.length} releases compared`),
    unknown.length ? h("p", { class: "warning" }, "Not in this index: ", unknown.map((key) => [h("bdi", { class: "key" }, key), " "])) : null,
    tray(releases, go, unknown), protocolWarning(releases, about), verdicts(releases),
    byLayer(releases, state, about, go), byRole(releases, about), int8(releases, about),
    protocols(releases, about), notes(releases));
}

function tray(releases, go, unknown) {
  const gone = new Set(unknown);
  const copy = h("button", { type: "button", id: "copy", onclick: () => copied(copy) }, "Copy link");
  return h("div", { class: "tray" },
    h("ul", {}, releases.map((release, place) => h("li", {}, swatch(place), name(release.name),
      h("button", { type: "button", "aria-label": `Remove ${release.name}`, onclick: () => go(({ picks }) => ({ picks: picks.filter((key) => key !== release.key && !gone.has(key)) })) }, "×")))),
    copy, h("button", { type: "button", onclick: () => go({ picks: [] }) }, "Remove all"));
}

async function copied(button) {
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    // No permission, or an insecure address: show the link so that it can be copied by hand.
    button.replaceWith(h("input", { id: "link", type: "text", readonly: true, value: location.href, "aria-label": "Link to this comparison", onfocus: (event) => event.target.select() }));
  }
}

function differing(releases, about) {
  return about.protocol_fields.map((field) => {
    const values = releases.map(({ row }) => JSON.stringify(row[field.name] ?? null));
    return { ...field, differs: new Set(values).size > 1 };
  });
}

function protocolWarning(releases, about) {
  const decisive = differing(releases, about).filter((field) => field.decisive && field.differs);
  if (!decisive.length) return null;
  const named = decisive.filter(({ name: field }) => field !== "protocol_key");
  return h("div", { class: "warning", role: "note" },
    h("p", {}, h("strong", {}, "Measured differently. "), "These releases are not comparable as they stand: differences may come from the measurement."),
    h("p", {}, `Decisive differences: ${(named.length ? named : decisive).map(({ label }) => label).join(", ")}.`),
    details("What each has, and why it matters", h("ul", {}, (named.length ? named : decisive).map((field) => h("li", {}, h("b", {}, field.label), `: ${releases.map(({ row }) => any(row[field.name])).join(" / ")} (${field.why})`)))));
}

function verdicts(releases) {
  return h("ul", { class: "verdicts" }, releases.map((release, place) =>
    h("li", { class: release.verdict.level }, h("p", {}, swatch(place), h("strong", {}, name(release.name)),
      h("span", { class: "trust" }, h("bdi", {}, release.trust_words))),
      h("p", {}, release.verdict.words), release.trust_detail ? h("p", { class: "note" }, h("bdi", {}, release.trust_detail)) : null)));
}

function byLayer(releases, state, about, go) {
  const column = `${state.role}_by_layer`;
  const title = (role) => about.roles.find((each) => each.name === role)?.label ?? role;
  const known = releases.map((release, place) => ({ release, place, values: release.row[column] })).filter(({ values }) => values);
  const without = releases.filter(({ row }) => !row[column]);
  const choice = h("fieldset", { class: "roles" }, h("legend", {}, "Tensor"), ROLES.map((role) => h("label", {},
    h("input", { type: "radio", name: "role", value: role, checked: role === state.role, onchange: () => go({ role }, { replace: true }) }), title(role))));
  const label = `Largest |a| of each layer, ${title(state.role)}`;
  const rows = Array.from({ length: Math.max(0, ...known.map(({ values }) => values.length)) }, (_, layer) =>
    h("tr", {}, h("th", { scope: "row" }, String(layer)), known.map(({ values }) => h("td", { class: "number" }, layer < values.length ? number(values[layer]) : ""))));
  return h("section", {}, h("h3", {}, "By layer"), choice,
    known.length ? lines({ label, xLabel: "layer", yLabel: "largest |a|", formats: about.formats, series: known.map(({ release, place, values }) => ({ place, label: release.name, points: values.map((value, layer) => [layer, value]) })) }) : null,
    without.length ? h("p", { class: "note" }, "No values by layer: ", without.map((release, place) => [place ? ", " : "", name(release.name)]), ".") : null,
    known.length ? details("These numbers", table(label, ["Layer", ...known.map(({ release }) => name(release.name))], rows)) : null);
}

function byRole(releases, about) {
  const label = "Largest |a| of each role";
  const size = (release, role) => { const value = release.row[`max_${role}`]; return value === null ? null : Math.abs(value); };
  const rows = about.roles.map((role) => ({
    label: role.label,
    marks: releases.map((release, place) => ({ place, value: size(release, role.name), title: `${release.name}: ${number(size(release, role.name))}` })).filter(({ value }) => value !== null),
  }));
  const numbers = about.roles.map((role) => h("tr", {}, h("th", { scope: "row" }, role.label, role.in_m ? "" : " (not in M)"), releases.map((release) => h("td", { class: "number" }, number(size(release, role.name))))));
  return h("section", {}, h("h3", {}, "By role"), dots({ label, xLabel: "largest |a|", rows, formats: about.formats }),
    details("These numbers", table(label, ["Role", ...releases.map((release) => name(release.name))], numbers)));
}

function int8(releases, about) {
  const rows = about.int8.flatMap(({ label, metrics }) => metrics.map((metric) => ({ ...metric, policy: label })));
  const known = rows.filter(({ name: column }) => releases.some(({ row }) => row[column] !== null));
  const shown = (column, value) => column.endsWith("_db") ? decibels(value) : number(value === null ? null : Number(value.toPrecision(6)));
  return h("section", {}, h("h3", {}, "INT-8"), h("p", { class: "note" }, "Diagnostic at M, as in arXiv:2605.15572: it rounds the tensor that holds M, which deployed kernels often do not."),
    known.length ? table("INT-8 diagnostic at M", ["Policy", "Error", ...releases.map((release) => name(release.name))],
      known.map((metric) => h("tr", {}, h("th", { scope: "row" }, metric.policy), h("td", {}, metric.label), releases.map(({ row }) => h("td", { class: "number" }, shown(metric.name, row[metric.name]))))), { id: "int8" })
      : h("p", {}, "None of these has it."));
}

function protocols(releases, about) {
  const fields = differing(releases, about);
  const rows = fields.map((field) => h("tr", { class: field.differs ? "differs" : null },
    h("th", { scope: "row" }, field.label), h("td", {}, field.differs ? (field.decisive ? "differs, decisive" : "differs") : "same"),
    releases.map(({ row }) => h("td", {}, h("bdi", {}, any(row[field.name]))))));
  const count = fields.filter(({ differs }) => differs).length;
  return h("section", {}, h("h3", {}, "Protocol"), h("p", {}, releases.length < 2 ? "One release has one protocol." : count ? `${count} of ${fields.length} fields differ.` : "All fields are the same."),
    details("Every field", table("Protocol", ["Field", "Same?", ...releases.map((release) => name(release.name))], rows, { id: "protocol" })));
}

function notes(releases) {
  const some = releases.filter((release) => release.notes.length);
  if (!some.length) return null;
  return h("section", {}, h("h3", {}, "Notes"), h("dl", {}, some.map((release) => [h("dt", {}, name(release.name)), release.notes.map((note) => h("dd", {}, h("bdi", {}, note)))])));
}
