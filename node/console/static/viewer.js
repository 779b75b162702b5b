// The radiograph of a study's page: window and level, zoom, pan, heat maps and boxes; by mouse, touch and keyboard.
"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  if (!viewer) return;
  const stage = viewer.querySelector(".stage");
  const sheet = viewer.querySelector(".sheet");
  let radiograph = viewer.querySelector(".radiograph");
  const trouble = viewer.querySelector(".trouble");
  const said = viewer.querySelector("output");
  const ramps = [...viewer.querySelectorAll("#grey feComponentTransfer > *")];
  const opacity = document.getElementById("opacity");
  const MOST = 16;
  // Window and level are in the picture's own grey levels, 0 to 255; x and y in parts of the stage's own width.
  const whole = { width: 255, level: 127.5, zoom: 1, x: 0, y: 0, inverted: false };
  let view = { ...whole };
  let dragging = "window";

  function show() {
    view.width = Math.min(1024, Math.max(1, view.width));
    view.level = Math.min(255, Math.max(0, view.level));
    view.zoom = Math.min(MOST, Math.max(1, view.zoom));
    const most = (view.zoom - 1) / 2;
    view.x = Math.min(most, Math.max(-most, view.x));
    view.y = Math.min(most, Math.max(-most, view.y));
    const sign = view.inverted ? -1 : 1;
    const slope = (sign * 255) / view.width;
    const intercept = 0.5 - (slope * view.level) / 255;
    for (const ramp of ramps) {
      ramp.setAttribute("slope", slope);
      ramp.setAttribute("intercept", intercept);
    }
    sheet.style.transform = `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.zoom})`;
    said.textContent = `Zoom ${Math.round(view.zoom * 100)} %, window ${Math.round(view.width)}, level ${Math.round(view.level)}`;
    pressed("invert", view.inverted);
    pressed("window", dragging === "window");
    pressed("move", dragging === "move");
    sharpen();
  }

  function pressed(name, on) {
    viewer.querySelector(`[data-do=${name}]`).setAttribute("aria-pressed", on);
  }

  // All pixels are fetched when the first picture has fewer than the screen could show.
  let sharp = false;
  function sharpen() {
    const wanted = radiograph.clientWidth * view.zoom * window.devicePixelRatio;
    if (sharp || !radiograph.naturalWidth || wanted <= radiograph.naturalWidth * 1.05) return;
    sharp = true;
    const full = new Image();
    full.src = viewer.dataset.full;
    full.alt = radiograph.alt;
    full.className = radiograph.className;
    full.draggable = false;
    full.decode().then(() => { radiograph.replaceWith(full); radiograph = full; }, () => {});
  }

  function zoomBy(factor, event) {
    const before = view.zoom;
    view.zoom = Math.min(MOST, Math.max(1, before * factor));
    if (event) {
      const box = stage.getBoundingClientRect();
      const size = sheet.offsetWidth, tall = sheet.offsetHeight;
      const dx = (event.clientX - box.left - box.width / 2) / size;
      const dy = (event.clientY - box.top - box.height / 2) / tall;
      view.x = dx - ((dx - view.x) * view.zoom) / before;
      view.y = dy - ((dy - view.y) * view.zoom) / before;
    }
    show();
  }

  const acts = {
    window: () => { dragging = "window"; },
    move: () => { dragging = "move"; },
    closer: () => zoomBy(1.25),
    further: () => zoomBy(0.8),
    harder: () => { view.width *= 0.9; },
    softer: () => { view.width /= 0.9; },
    brighter: () => { view.level -= 8; },
    darker: () => { view.level += 8; },
    invert: () => { view.inverted = !view.inverted; },
    reset: () => { view = { ...whole }; },
  };
  viewer.addEventListener("click", (event) => {
    const act = event.target.dataset.do;
    if (!act) return;
    acts[act]();
    show();
  });

  const keys = {
    "ArrowLeft": () => { view.x += 0.05; }, "ArrowRight": () => { view.x -= 0.05; },
    "ArrowUp": () => { view.y += 0.05; }, "ArrowDown": () => { view.y -= 0.05; },
    "Shift+ArrowLeft": acts.harder, "Shift+ArrowRight": acts.softer,
    "Shift+ArrowUp": acts.brighter, "Shift+ArrowDown": acts.darker,
    "+": acts.closer, "=": acts.closer, "-": acts.further,
    "i": acts.invert, "0": acts.reset,
    "h": () => flip("heat"), "b": () => flip("boxes"),
  };
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = event.key.startsWith("Arrow");
    const act = keys[arrow && event.shiftKey ? `Shift+${event.key}` : arrow ? event.key : event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
    show();
  });

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event);
  }, { passive: false });

  // One finger or button does what the pressed tool says; two fingers move and zoom.
  const down = new Map();
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const dx = event.clientX - before.clientX, dy = event.clientY - before.clientY;
    const other = [...down.values()].find((each) => each.pointerId !== event.pointerId);
    if (other) {
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
      view.x += dx / 2 / sheet.offsetWidth;
      view.y += dy / 2 / sheet.offsetHeight;
      zoomBy(apart(event) / Math.max(1, apart(before)),
        { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
    } else if (dragging === "move" || event.buttons === 4 || event.buttons === 2) {
      view.x += dx / sheet.offsetWidth;
      view.y += dy / sheet.offsetHeight;
    } else {
      view.width += dx;
      view.level += dy / 2;
    }
    down.set(event.pointerId, event);
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => down.delete(event.pointerId));
  }
  stage.addEventListener("contextmenu", (event) => event.preventDefault());

  // Heat maps are fetched when they are first switched on.
  const switches = [...document.querySelectorAll("input[data-heat], input[data-box]")];
  function apply(input) {
    if (input.dataset.box) {
      viewer.querySelector(`[data-boxes="${input.dataset.box}"]`).toggleAttribute("hidden", !input.checked);
      return;
    }
    let layer = sheet.querySelector(`img[data-finding="${input.dataset.finding}"]`);
    if (!layer && input.checked) {
      layer = new Image();
      layer.alt = "";
      layer.className = "heat";
      layer.draggable = false;
      layer.dataset.finding = input.dataset.finding;
      layer.src = input.dataset.heat;
      radiograph.after(layer);
    }
    if (layer) layer.hidden = !input.checked;
    blend();
  }
  function blend() {
    for (const layer of sheet.querySelectorAll("img.heat")) layer.style.opacity = opacity.value / 100;
  }
  function flip(kind) {
    const some = switches.filter((each) => (kind === "heat" ? each.dataset.heat : each.dataset.box) && !each.disabled);
    const off = some.some((each) => each.checked);
    for (const each of some) {
      each.checked = !off && (kind === "boxes" || "present" in each.dataset);
      apply(each);
    }
  }
  for (const each of switches) {
    each.addEventListener("change", () => apply(each));
    apply(each);
  }
  if (opacity) opacity.addEventListener("input", blend);

  radiograph.addEventListener("load", show);
  radiograph.addEventListener("error", async () => {
    const answer = await fetch(radiograph.src);
    const words = answer.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : "";
    trouble.textContent = words || "The picture cannot be had now. Load the page again.";
    trouble.hidden = false;
    sheet.hidden = true;
  });
  if (radiograph.complete) radiograph.naturalWidth ? show() : radiograph.dispatchEvent(new Event("error"));
  new ResizeObserver(show).observe(stage);
})();
