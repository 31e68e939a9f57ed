// Bringing one line of a chart to the front while its name is pointed at or has the keyboard.

export function highlightable(section) {
  for (const [event, up] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) {
    section.addEventListener(event, ({ target }) => {
      const named = target.closest("[data-highlights], .ending");
      if (named) highlight(section, up ? named.dataset.highlights ?? named.dataset.place : null);
    });
  }
  return section;
}

function highlight(section, place) {
  for (const line of section.querySelectorAll(".lined")) {
    line.classList.toggle("dimmed", place !== null && line.dataset.place !== place);
    if (line.dataset.place === place) line.parentNode.insertBefore(line, lastOf(line).nextSibling);
  }
}

const lastOf = (line) => [...line.parentNode.querySelectorAll(":scope > .lined")].at(-1);
