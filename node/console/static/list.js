// The worklist by keyboard. The arrows go from study to study unless a field has the focus. Letters do so only from a
// study: who speaks to the machine types letters (WCAG 2.1.4). Who comes back from a study finds it again.
"use strict";
(() => {
  const list = document.getElementById("rows");
  const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };
  const ends = { Home: 0, End: -1 };
  const places = () => [...list.querySelectorAll("tbody th a, .pager a")];

  function go(key, all, at) {
    if (key in ends) return all.at(ends[key]);
    if (at < 0) return key === "ArrowUp" ? all.at(-1) : all[0];
    return all[Math.min(all.length - 1, Math.max(0, at + steps[key]))];
  }

  document.addEventListener("keydown", (event) => {
    // On many keyboards a slash takes Shift.
    if (event.ctrlKey || event.metaKey || event.altKey || (event.shiftKey && event.key !== "/")) return;
    const all = places(), at = all.indexOf(document.activeElement);
    const nowhere = document.activeElement === document.body || document.activeElement.id === "content";
    if (at < 0 && !(nowhere && event.key.startsWith("Arrow"))) return;
    const to = event.key === "/" ? document.getElementById("patient")
      : event.key in steps || event.key in ends ? go(event.key, all, at) : null;
    if (!to) return;
    event.preventDefault();
    if (event.key === "/") document.getElementById("fold").open = true;
    to.focus();
  });

  list.addEventListener("focusin", (event) => {
    if (event.target.id) history.replaceState({ study: event.target.id }, "");
  });
  const left = history.state && document.getElementById(history.state.study);
  if (left) left.focus();

  list.addEventListener("click", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row || event.target.closest("a") || String(getSelection())) return;
    const study = row.querySelector("th a");
    study.focus();
    study.click();
  });
})();
