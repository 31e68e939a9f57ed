// Elements from data. Text becomes text nodes and nothing else, so strangers' text is never markup.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

// A stranger's name: its own direction, and none of ours turned by it.
export function name(text) {
  return h("bdi", {}, text);
}

export function table(caption, head, rows, attributes = {}) {
  return h("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    h("table", attributes,
      h("caption", { class: "quiet" }, caption),
      h("thead", {}, h("tr", {}, head.map((cell, place) => h("th", { scope: "col", class: numeric(rows.flat(Infinity).at(-1), place) }, cell)))),
      h("tbody", {}, rows)));
}

// A column of numbers has its name where the numbers are; the last row tells, as the first may head
// a group.
function numeric(row, place) {
  return row?.children[place]?.classList.contains("number") ? "number" : null;
}

// `key` tells one from the others, so that what is open stays open when the page is drawn anew.
export function details(key, summary, ...children) {
  return h("details", { "data-fold": key }, h("summary", {}, summary), ...children);
}
