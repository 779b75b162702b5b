// From a study to the next one of its list by keyboard, the focus where it was. Alt and an arrow do so from anywhere but a
// field. Letters do so only from the radiograph and these links: who speaks to the machine types letters (WCAG 2.1.4).
"use strict";
(() => {
  const ways = { ArrowDown: "older", j: "older", ArrowUp: "newer", k: "newer" };
  const FIELD = "input:not([type=checkbox]), select, textarea";

  if (location.hash === "#stage" && !document.getElementById("stage")) document.getElementById("older").focus();

  document.addEventListener("keydown", (event) => {
    const letter = event.key.length === 1, key = letter ? event.key.toLowerCase() : event.key;
    if (!(key in ways) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const at = document.activeElement, near = at.matches("#stage, #newer, #older");
    if (letter ? event.altKey || !near : !event.altKey || at.matches(FIELD)) return;
    const to = document.getElementById(ways[key]);
    event.preventDefault();
    if (to.href) location.assign(near ? `${to.href}#${at.id}` : to.href);
    else to.focus();
  });
})();
