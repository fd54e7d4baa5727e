// The panel of the features: pointing, choosing, zooming, circling; what is drawn is in panel_features.js.

/** The panel of the features. `picture`: what its drawing and its listeners share. */
function featuresPanel(run, act) {
  const canvas = h("canvas", { class: "wdd-canvas wdd-features", role: "img", tabindex: "0" });
  canvas.setAttribute("data-lm-suppress-shortcuts", "true");
  const tip = tooltip(run);
  const sheet = h("div", { class: "wdd-sheet wdd-pointed" }, canvas, tip.node);
  // `now`: what was drawn last, state and toPixels; `hand`: a drag under way; `over`: where the pointer rests.
  const picture = { run, act, canvas, tip, sheet, now: null, hand: null, over: null };
  const tools = featureTools(run, act, (factor) => zoomFeatures(picture, factor));
  picture.lasso = tools.lasso;
  for (const [name, listener] of Object.entries(featuresHand(picture))) canvas.addEventListener(name, listener);
  const key = h("div", {});
  const caption = h("p", { class: "wdd-caption" });
  const later = "Real images will appear here where the teacher places them, then support points and distilled images.";
  const none = h("p", { class: "wdd-none" }, lacking(run, "features, so there is nothing to place here", later));
  const title = h("h3", {}, "Features: what the teacher sees alike lies close");
  const body = run.projections.length ? [marksKey(run), tools.node, sheet, key, caption] : [none];
  const node = h("section", { class: "wdd-panel" }, title, ...body);
  const painter = featuresPainter(run);
  const size = (width) => Math.round(Math.min(0.86 * width, 620));
  let keyed = "";

  function paint(ctx, state, ink, width, height, options) {
    const toPixels = painter(ctx, state, ink, width, height, options);
    if (state.look.direction) paintArrow(ctx, state, ink, toPixels);
    return toPixels;
  }

  function draw(state, ink) {
    if (!run.projections.length) return;
    const width = act.across(sheet);
    const ctx = paper(canvas, width, size(width));
    picture.now = { state, toPixels: paint(ctx, state, ink, width, size(width)) };
    if (picture.hand?.lasso) paintLasso(ctx, ink, picture.hand.path);
    tools.draw(state);
    const { outside } = picture.now.toPixels;
    const extras = extrasOf(run, state).join();
    const counts = [run.ways.length, run.frames.length, outside > 0];
    const sign = [state.frame >= 0, state.look.gap, ...counts, ink.text, extras].join();
    if (sign !== keyed) key.replaceChildren(featureKey(run, state, outside));
    keyed = sign;
    say(caption, state.projection.caption);
    const text = featuresText(run, state);
    if (canvas.getAttribute("aria-label") !== text) canvas.setAttribute("aria-label", text);
    if (picture.over) hoverFeatures(picture, picture.over); // what is under it may have moved, or its picture has come
  }

  const paintFile = (ctx, state, ink, width, height) => paint(ctx, state, ink, width, height, { afresh: true });
  return { node, draw, export_: { title: "features", size, paint: paintFile } };
}

const zoomOf = (state) => state.look.zoom ?? { k: 1, x: 0, y: 0 };

/** What mouse, finger and keyboard do to the picture. */
function featuresHand(picture) {
  const { run, act, canvas } = picture;
  return {
    pointerdown(event) {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      const { state, toPixels } = picture.now;
      const from = place(event);
      const lasso = event.shiftKey || picture.lasso();
      const arrow = state.look.direction && onArrow(state, toPixels, from);
      picture.hand = { from, path: [from], lasso, arrow, zoom: zoomOf(state), moved: false };
    },
    pointermove(event) {
      const [at, { hand }] = [place(event), picture];
      if (!hand) return hoverFeatures(picture, at);
      hand.moved ||= Math.hypot(at[0] - hand.from[0], at[1] - hand.from[1]) > 4;
      if (hand.moved) dragFeatures(picture, at);
    },
    pointerup(event) {
      const done = picture.hand;
      picture.hand = null;
      if (!done) return;
      if (done.lasso && done.moved) act.pick(...within(run, picture.now, done.path));
      else if (!done.moved) chooseFeature(picture, place(event));
      act.ask();
    },
    pointerleave: () => hoverFeatures(picture, null),
    wheel(event) {
      // A page that is being read must scroll past the picture: the wheel zooms once the picture was clicked.
      const focused = document.activeElement === canvas || canvas.getRootNode().activeElement === canvas;
      if (!event.ctrlKey && !focused) return;
      event.preventDefault();
      zoomFeatures(picture, Math.exp(-event.deltaY / 400), place(event));
    },
    dblclick: () => act.look({ zoom: null }),
    keydown(event) {
      if (!featuresKey(picture, event.key)) return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}

/** What a key does; false: nothing. */
function featuresKey(picture, key) {
  const { act, now: { state } } = picture;
  const { k, x, y } = zoomOf(state);
  const shift = 0.1 / k;
  const move = { ArrowLeft: [-shift, 0], ArrowRight: [shift, 0], ArrowUp: [0, shift], ArrowDown: [0, -shift] }[key];
  if (key === "+" || key === "=") zoomFeatures(picture, 1.3);
  else if (key === "-") zoomFeatures(picture, 1 / 1.3);
  else if (key === "0") act.look({ zoom: null });
  else if (key === "Escape") act.clear();
  else if (key === "n" || key === "p") act.step(key === "n" ? 1 : -1);
  else if (move && state.look.direction) act.look({ angle: state.look.angle + (move[0] + move[1] > 0 ? 0.1 : -0.1) });
  else if (move) act.look({ zoom: { k, x: x + move[0], y: y + move[1] } });
  else return false;
  return true;
}

function dragFeatures(picture, at) {
  const { act, hand, now: { toPixels } } = picture;
  hoverFeatures(picture, null);
  if (hand.arrow) act.look({ angle: angleTo(toPixels, at) });
  else if (hand.lasso) {
    hand.path.push(at);
    act.ask();
  } else {
    const { scale, box } = toPixels;
    const { k, x, y } = hand.zoom;
    const dx = (at[0] - hand.from[0]) / scale / (box[1] - box[0] || 1);
    const dy = (at[1] - hand.from[1]) / scale / (box[3] - box[2] || 1);
    act.look({ zoom: { k, x: x - dx, y: y + dy } });
  }
}

function chooseFeature({ run, act, now }, at) {
  const hit = pointed(run, now, at);
  if (!hit) return act.clear();
  if (hit.kind === "real") act.pick([hit.i], []);
  else act.select(hit.position === now.state.selected ? -1 : hit.position);
}

function hoverFeatures(picture, at) {
  const { run, act, canvas, tip, sheet, now } = picture;
  picture.over = at;
  const hit = now && at && pointed(run, now, at);
  canvas.style.cursor = hit ? "pointer" : "grab";
  if (hit) tip.show(hit, at, now.state, act.across(sheet));
  else tip.hide();
}

/** Zooms around a point of the canvas, its middle if there is none. */
function zoomFeatures({ act, now: { state, toPixels } }, factor, at = null) {
  const { k, x, y } = zoomOf(state);
  const next = Math.max(1, Math.min(CLOSEST, k * factor));
  if (next === 1) return act.look({ zoom: null });
  const { left, bottom, width, height, box: [x0, x1, y0, y1] } = toPixels;
  const [px, py] = toPixels.inverse(...(at ?? [(width + left) / 2, (height - bottom) / 2]));
  const towards = (middle, low, high, p) =>
    middle + ((p - (low + high) / 2) / (high - low || 1) - middle) * (1 - k / next);
  act.look({ zoom: { k: next, x: towards(x, x0, x1, px), y: towards(y, y0, y1, py) } });
}

function paintLasso(ctx, ink, path) {
  ctx.beginPath();
  for (const at of path) ctx.lineTo(...at);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
  ctx.setLineDash([5, 4]);
  ctx.stroke();
  ctx.setLineDash([]);
}
