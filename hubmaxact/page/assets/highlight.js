// Bringing one line of a chart to the front while its name is pointed at or has the keyboard.

export function raisable(section) {
  for (const [event, up] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) {
    section.addEventListener(event, ({ target }) => {
      const named = target.closest("[data-raises], .ending");
      if (named) raise(section, up ? named.dataset.raises ?? named.dataset.place : null);
    });
  }
  return section;
}

function raise(section, place) {
  for (const line of section.querySelectorAll(".lined")) {
    line.classList.toggle("lowered", place !== null && line.dataset.place !== place);
    if (line.dataset.place === place) line.parentNode.insertBefore(line, lastOf(line).nextSibling);
  }
}

const lastOf = (line) => [...line.parentNode.querySelectorAll(":scope > .lined")].at(-1);
