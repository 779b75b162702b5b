// What renews itself is put in its place after a press, not under it: a press that ends on something else than it began
// on is no click.
"use strict";
(() => {
  let pressed = false;
  const held = new Map();

  function put() {
    pressed = false;
    for (const [target, how] of held) {
      if (target.isConnected) htmx.swap(target, how.content, { swapStyle: how.style, swapDelay: 0, settleDelay: 20 });
    }
    held.clear();
  }

  addEventListener("pointerdown", (event) => { pressed = event.isPrimary && event.button === 0; }, true);
  for (const end of ["pointerup", "pointercancel"]) {
    addEventListener(end, () => setTimeout(put), true); // the click comes first
  }
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig, serverResponse } = event.detail;
    if (!pressed) return;
    event.preventDefault();
    held.set(target, { content: serverResponse, style: requestConfig.elt.getAttribute("hx-swap") || "innerHTML" });
  });
})();
