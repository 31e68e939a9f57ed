// The search box, the facets, and what is chosen in them.

import { h } from "./dom.js";
import { number } from "./format.js";

const PAUSE = 200; // milliseconds of rest before a search is run
const WIDE = "(min-width: 760px)"; // as in the style sheet

export function filters(state, about, go) {
  const active = about.facets.reduce((sum, { name }) => sum + (state.facets[name]?.length ?? 0), 0);
  return h("form", { class: "filters", role: "search", "aria-label": "Find releases", onsubmit: (event) => event.preventDefault() },
    search(state, go),
    h("details", { class: "all", "data-fold": "filters", open: matchMedia(WIDE).matches },
      h("summary", {}, "Filters", active ? h("b", {}, ` ${active}`) : null),
      h("div", { class: "facets" }, about.facets.map((facet) => menu(facet, state, go)))),
    chosen(state, about, go));
}

function search(state, go) {
  let rest;
  const typed = (event) => {
    clearTimeout(rest);
    rest = setTimeout(() => go({ q: event.target.value, page: 1 }, { replace: true }), PAUSE);
  };
  return h("label", { class: "search" }, h("span", { class: "quiet" }, "Search"),
    h("input", { id: "q", type: "search", maxlength: 200, value: state.q, placeholder: "Search names, tensors", autocomplete: "off", spellcheck: "false", oninput: typed }));
}

function menu(facet, state, go) {
  const active = state.facets[facet.name] ?? [];
  const choose = (value, on) => {
    go(({ facets }) => {
      const others = (facets[facet.name] ?? []).filter((each) => each !== value);
      return { facets: { ...facets, [facet.name]: on ? [...others, value] : others }, page: 1 };
    });
  };
  return h("details", { class: active.length ? "facet active" : "facet", name: "facet", "data-facet": facet.name, onkeydown: closed, onfocusout: left },
    h("summary", {}, facet.label, active.length ? h("b", {}, ` ${active.length}`) : null),
    h("fieldset", {}, h("legend", { class: "quiet" }, facet.label),
      facet.choices.map(({ value, label, count }) => h("label", {},
        h("input", { type: "checkbox", name: facet.name, value, checked: active.includes(value), onchange: (event) => choose(value, event.target.checked) }),
        h("bdi", {}, label), h("span", { class: "count" }, number(count)))),
      facet.more ? h("p", { class: "note" }, `and ${number(facet.more)} rarer ones, which the search finds`) : null));
}

function closed(event) {
  if (event.key !== "Escape") return;
  event.currentTarget.open = false;
  event.currentTarget.querySelector("summary").focus();
}

// A menu that lies over the table closes when the keyboard goes on.
function left(event) {
  const to = event.relatedTarget;
  if (to && !event.currentTarget.contains(to) && matchMedia(WIDE).matches) event.currentTarget.open = false;
}

document.addEventListener("click", (event) => {
  if (!matchMedia(WIDE).matches) return;
  for (const each of document.querySelectorAll("details.facet[open]")) {
    if (!each.contains(event.target)) each.open = false;
  }
});

function chosen(state, about, go) {
  const chips = about.facets.flatMap((facet) => (state.facets[facet.name] ?? []).map((value) => {
    const label = facet.choices.find((choice) => choice.value === value)?.label ?? value;
    const remove = () => go(({ facets }) => ({ facets: { ...facets, [facet.name]: (facets[facet.name] ?? []).filter((each) => each !== value) }, page: 1 }));
    return h("button", { type: "button", class: "chip", "aria-label": `Remove filter ${facet.label}: ${label}`, onclick: remove },
      `${facet.label}: `, h("bdi", {}, label), h("span", { "aria-hidden": "true" }, " ×"));
  }));
  if (!chips.length && !state.q) return null;
  return h("div", { class: "chips" }, chips,
    h("button", { type: "button", id: "clear", class: "chip clear", onclick: () => go({ q: "", facets: {}, page: 1 }) }, "Clear all"));
}
