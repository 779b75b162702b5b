// A part of a page that says `data-live="address"` hears of changes there and is told by the event `changed`,
// on which htmx asks for it anew. A page that nobody sees does not listen.
"use strict";

const AGAIN_MS = 10000;

function listen(part) {
  const words = document.getElementById("live");
  let source = null;
  let missed = false;
  const say = (text) => {
    if (!words) return;
    words.textContent = text;
    words.classList.toggle("on", text === "Live");
  };
  const renew = () => htmx.trigger(part, "changed");
  const stop = () => { if (source) source.close(); source = null; };
  const begin = () => {
    if (source || document.hidden) return;
    source = new EventSource(part.dataset.live);
    source.addEventListener("open", () => {
      say("Live");
      if (missed) renew();
      missed = false;
    });
    source.addEventListener("change", renew);
    source.addEventListener("error", () => {
      if (!source || source.readyState !== EventSource.CLOSED) return;
      stop();
      missed = true;
      say("Not live");
      renew(); // who is logged out is led to the login by it
      setTimeout(begin, AGAIN_MS);
    });
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else begin(); });
  begin();
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-live]").forEach(listen));
