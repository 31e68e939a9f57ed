// The picked releases, in view wherever the page is scrolled to: below while the table is read,
// above while the comparison is.

import { h, name } from "./dom.js";
import { swatch } from "./series_style.js";

export function selection({ releases, unknown }, go) {
  if (!releases.length) return null;
  // Keys that the index lacks go with the first change: they were told, and cannot come back.
  const without = (gone) => ({ picks }) => ({ picks: picks.filter((key) => key !== gone && !unknown.includes(key)) });
  const chip = (release, place) => h("li", {}, swatch(place), name(release.name),
    h("button", { type: "button", "aria-label": `Remove ${release.name}`, onclick: () => go(without(release.key)) }, "×"));
  const copy = h("button", { type: "button", id: "copy", onclick: () => copied(copy) }, "Copy link");
  return measured(h("section", { class: "selection", "aria-label": "Picked releases" },
    h("ul", {}, releases.map(chip)),
    h("div", { class: "actions" },
      h("button", { type: "button", id: "jump", class: "strong", onclick: jump }, releases.length === 1 ? "Details" : `Compare ${releases.length}`),
      copy,
      h("button", { type: "button", id: "none", onclick: () => go({ picks: [] }) }, "Clear"))));
}

// What is scrolled into view must not lie under the selection, however many lines it has.
function measured(bar) {
  new ResizeObserver(() => {
    if (bar.isConnected) document.documentElement.style.setProperty("--selection", `${bar.offsetHeight}px`);
  }).observe(bar);
  return bar;
}

function jump() {
  const title = document.getElementById("compare-title");
  title.focus({ preventScroll: true });
  title.closest("section").scrollIntoView();
}

async function copied(button) {
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = "Copied";
  } catch {
    // No permission, or an insecure address: show the link so that it can be copied by hand.
    const link = h("input", { id: "link", type: "text", readonly: true, value: location.href, "aria-label": "Link to this comparison", onfocus: (event) => event.target.select() });
    button.replaceWith(link);
    link.focus();
  }
}
