// The panel of the features: pointing, choosing, zooming, circling; what is drawn is in panel_features.js.

const REACH = 9; // pixels around a mark that still mean it

function featuresPanel(run, act) {
  const canvas = h("canvas", {
    class: "wdd-canvas wdd-features", role: "img", tabindex: "0", onpointerdown: down, onpointermove: move, onpointerup: up,
    onwheel: wheel, ondblclick: () => act.look({ zoom: null }), onkeydown: key,
  });
  canvas.setAttribute("data-lm-suppress-shortcuts", "true");
  canvas.addEventListener("pointerleave", () => hover(null));
  const tip = tooltip(run);
  const sheet = h("div", { class: "wdd-sheet wdd-pointed" }, canvas, tip.node);
  const tools = featureTools(run, act, (factor) => zoom(factor));
  const keyNode = h("div", {});
  const caption = h("p", { class: "wdd-caption" });
  const none = h("p", { class: "wdd-none" }, "This run recorded no features, so there is nothing to place here.");
  const title = h("h3", {}, "Features: each small mark is a real image, where the teacher places it");
  const body = run.projections.length ? [tools.node, sheet, keyNode, caption] : [none];
  const node = h("section", { class: "wdd-panel" }, title, ...body);
  const painter = featuresPainter(run);
  let now = null; // what was drawn last: state, toPixels
  let hand = null; // a drag under way: from, at, path
  let over = null; // where the pointer rests
  let shownKey = "";

  function size(width) {
    return Math.round(Math.min(0.86 * width, 620));
  }

  function paint(ctx, state, ink, width, height, options) {
    const toPixels = painter(ctx, state, ink, width, height, options);
    if (state.look.direction) paintArrow(ctx, state, ink, toPixels);
    return toPixels;
  }

  function draw(state, ink) {
    if (!run.projections.length) return;
    const width = act.across(sheet);
    const ctx = paper(canvas, width, size(width));
    now = { state, toPixels: paint(ctx, state, ink, width, size(width)) };
    if (hand?.lasso) paintLasso(ctx, ink, hand.path);
    tools.draw(state);
    const sign = `${state.frame >= 0}/${state.look.gap}/${run.ways.length}/${run.frames.length}/${ink.text}`;
    if (sign !== shownKey) keyNode.replaceChildren(featureKey(run, state));
    shownKey = sign;
    say(caption, state.projection.caption);
    const text = featuresText(run, state);
    if (canvas.getAttribute("aria-label") !== text) canvas.setAttribute("aria-label", text);
    if (over) hover(over); // what is under it may have moved, or its picture has come
  }

  function down(event) {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const from = place(event);
    const lasso = event.shiftKey || tools.lasso();
    const arrow = now.state.look.direction && onArrow(now.state, now.toPixels, from);
    hand = { from, at: from, path: [from], lasso, arrow, zoom: now.state.look.zoom ?? { k: 1, x: 0, y: 0 }, moved: false };
  }

  function move(event) {
    const at = place(event);
    if (!hand) return hover(at);
    hand.at = at;
    hand.moved ||= Math.hypot(at[0] - hand.from[0], at[1] - hand.from[1]) > 4;
    if (!hand.moved) return;
    hover(null);
    if (hand.arrow) act.look({ angle: angleTo(now.toPixels, at) });
    else if (hand.lasso) {
      hand.path.push(at);
      act.ask();
    } else pan(at);
  }

  function pan(at) {
    const { scale, box } = now.toPixels;
    const { k, x, y } = hand.zoom;
    const dx = (at[0] - hand.from[0]) / scale / (box[1] - box[0] || 1);
    const dy = (at[1] - hand.from[1]) / scale / (box[3] - box[2] || 1);
    act.look({ zoom: { k, x: x - dx, y: y + dy } });
  }

  function up(event) {
    const done = hand;
    hand = null;
    if (!done) return;
    if (done.lasso && done.moved) act.pick(...within(run, now, done.path));
    else if (!done.moved) choose(place(event));
    act.ask();
  }

  function choose(at) {
    const hit = pointed(run, now, at);
    if (!hit) return act.clear();
    if (hit.kind === "real") act.pick([hit.i], []);
    else act.select(hit.position === now.state.selected ? -1 : hit.position);
  }

  function hover(at) {
    over = at;
    const hit = now && at && pointed(run, now, at);
    canvas.style.cursor = hit ? "pointer" : "grab";
    if (hit) tip.show(hit, at, now.state, act.across(sheet));
    else tip.hide();
  }

  /** Zooms around a point of the canvas, its middle if there is none. */
  function zoom(factor, at = [(now.toPixels.width + now.toPixels.left) / 2, (now.toPixels.height - now.toPixels.bottom) / 2]) {
    const { k, x, y } = now.state.look.zoom ?? { k: 1, x: 0, y: 0 };
    const next = Math.max(1, Math.min(CLOSEST, k * factor));
    if (next === 1) return act.look({ zoom: null });
    const [px, py] = now.toPixels.inverse(...at);
    const [x0, x1, y0, y1] = now.toPixels.box;
    const towards = (middle, low, high, p) => middle + ((p - (low + high) / 2) / (high - low || 1) - middle) * (1 - k / next);
    act.look({ zoom: { k: next, x: towards(x, x0, x1, px), y: towards(y, y0, y1, py) } });
  }

  function wheel(event) {
    // A page that is being read must scroll past the picture: the wheel zooms once the picture was clicked.
    if (!event.ctrlKey && document.activeElement !== canvas && canvas.getRootNode().activeElement !== canvas) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), place(event));
  }

  function key(event) {
    const { k, x, y } = now.state.look.zoom ?? { k: 1, x: 0, y: 0 };
    const shift = 0.1 / k;
    const moves = { ArrowLeft: [-shift, 0], ArrowRight: [shift, 0], ArrowUp: [0, shift], ArrowDown: [0, -shift] };
    if (event.key === "+" || event.key === "=") zoom(1.3);
    else if (event.key === "-") zoom(1 / 1.3);
    else if (event.key === "0") act.look({ zoom: null });
    else if (event.key === "Escape") act.clear();
    else if (event.key === "n" || event.key === "p") act.step(event.key === "n" ? 1 : -1);
    else if (moves[event.key] && now.state.look.direction) act.look({ angle: now.state.look.angle + (moves[event.key][0] + moves[event.key][1] > 0 ? 0.1 : -0.1) });
    else if (moves[event.key]) act.look({ zoom: { k, x: x + moves[event.key][0], y: y + moves[event.key][1] } });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  const paintFile = (ctx, state, ink, width, height) => paint(ctx, state, ink, width, height, { afresh: true });
  const export_ = { title: "features", size, paint: paintFile };
  return { node, draw, export_ };
}

/** The switches over the picture. */
function featureTools(run, act, zoom) {
  const button = (name, sign, onclick) => h("button", { type: "button", "aria-label": name, title: name, onclick }, sign);
  const circle = h("button", { type: "button", "aria-pressed": "false", onclick: toggle, title: "circle points (or hold Shift)" }, "lasso");
  const list = h("select", { style: "max-width: 100%", onchange: (event) => act.project(event.target.value), "aria-label": "projection" });
  for (const { key, name } of run.projections) list.append(h("option", { value: key }, name));
  const boxes = [
    ["plan", "its real images", "lines from the chosen support point to the real images that it stands for", run.ways.length],
    ["trails", "trails", "the way that each point took until now", true],
    ["holes", "holes", "rings: the tenth of each class that is farthest from every support point", run.far.length],
    ["gap", "gap as colour", "squares coloured by their distance to their support points", run.paired || run.live],
    ["direction", "one direction", "a direction to drag, and the distribution along it below", run.ways.length],
  ];
  const inputs = boxes.filter(([, , , there]) => there).map(([name, text, title]) => {
    const input = h("input", { type: "checkbox", onchange: (event) => act.look({ [name]: event.target.checked }) });
    return { name, input, node: h("label", { title }, input, ` ${text}`) };
  });
  let on = false;
  function toggle() {
    on = !on;
    circle.setAttribute("aria-pressed", String(on));
  }
  const zooms = [button("zoom in", "+", () => zoom(1.4)), button("zoom out", "−", () => zoom(1 / 1.4)), button("show all", "⌂", () => act.look({ zoom: null }))];
  return {
    node: h("div", { class: "wdd-row wdd-tools" }, h("label", {}, "Projection ", list), ...inputs.map(({ node }) => node), h("span", { class: "wdd-zooms" }, circle, ...zooms)),
    lasso: () => on,
    draw(state) {
      list.value = state.projection.key;
      for (const { name, input } of inputs) input.checked = Boolean(state.look[name]);
    },
  };
}

/** What is under a point of the canvas: an image before a support point before a real image; null: nothing. */
function pointed(run, { state, toPixels }, [px, py]) {
  const near = (x, y) => Math.hypot(x - px, y - py);
  let best = null;
  const offer = (distance, reach, found) => {
    if (distance <= reach && (!best || distance < best.distance)) best = { distance, ...found };
  };
  if (state.frame >= 0 && run.xy(state.projection.key, state.frame).length) {
    run.labels.forEach((label, row) => {
      if (!state.shows(label)) return;
      const { at, outside } = imageAt(run, state, toPixels, row, toPixels.width, toPixels.height);
      offer(near(...at), REACH, { kind: "image", row, position: run.indices[row], outside });
    });
  }
  if (best) return best;
  for (const way of run.ways) {
    if (!state.shows(way.label)) continue;
    for (let j = 0; j < way.points; j++) {
      const t = Math.min(state.barycenter, way.steps - 1);
      const reach = Math.max(REACH, discRadius(run, way.masses[t * way.points + j]));
      const distance = near(...toPixels(...supportAt(run, state, way, j)));
      offer(distance, reach, { kind: "support", way, j, position: positionOf(run, way, j), core: reach / 2 });
    }
  }
  const real = nearestReal(run, state, toPixels, px, py);
  // A disc is large: towards its rim, a real image under the pointer itself is meant.
  if (real && (!best || (best.distance > best.core && real.distance < 4))) return { kind: "real", ...real };
  return best;
}

/** The drawn real image nearest to a place on the canvas, found in a grid: there may be sixty thousand. */
function nearestReal(run, state, toPixels, px, py) {
  const grid = realGrid(run, state.projection.key);
  const [x, y] = toPixels.inverse(px, py);
  const reach = REACH / toPixels.scale;
  const xy = run.realXy(state.projection.key);
  let best = null;
  for (const i of grid(x, y, reach)) {
    if (!state.shows(run.realLabels[i])) continue;
    const distance = Math.hypot(xy[2 * i] - x, xy[2 * i + 1] - y) * toPixels.scale;
    if (distance <= REACH && (!best || distance < best.distance)) best = { i, distance };
  }
  return best;
}

/** A function that lists the real images of the cells around a place. */
function realGrid(run, key) {
  const known = (run.grids ??= new Map());
  if (known.get(key)?.count === run.realLabels.length) return known.get(key).near;
  const [xy, [x0, x1, y0, y1]] = [run.realXy(key), boxOf(run, key)];
  const side = Math.max(x1 - x0, y1 - y0) / 128 || 1;
  const cells = new Map();
  const cell = (x, y) => `${Math.floor((x - x0) / side)}/${Math.floor((y - y0) / side)}`;
  run.realLabels.forEach((_, i) => {
    const name = cell(xy[2 * i], xy[2 * i + 1]);
    if (cells.has(name)) cells.get(name).push(i);
    else cells.set(name, [i]);
  });
  const near = (x, y, reach) => {
    const found = [];
    for (let cx = x - reach; cx <= x + reach + side; cx += side) {
      for (let cy = y - reach; cy <= y + reach + side; cy += side) found.push(...(cells.get(cell(cx, cy)) ?? []));
    }
    return found;
  };
  known.set(key, { count: run.realLabels.length, near });
  return near;
}

/** Real images and rows of distilled images inside a closed path on the canvas. */
function within(run, { state, toPixels }, path) {
  const inside = ([x, y]) => {
    let odd = false;
    path.forEach(([ax, ay], i) => {
      const [bx, by] = path[(i + 1) % path.length];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    });
    return odd;
  };
  const xy = run.realXy(state.projection.key);
  const reals = [];
  run.realLabels.forEach((label, i) => {
    if (state.shows(label) && inside(toPixels(xy[2 * i], xy[2 * i + 1]))) reals.push(i);
  });
  const rows = [];
  const there = state.frame >= 0 && run.xy(state.projection.key, state.frame).length;
  run.labels.forEach((label, row) => {
    const at = there && state.shows(label) && imageAt(run, state, toPixels, row, toPixels.width, toPixels.height).at;
    if (at && inside(at)) rows.push(row);
  });
  return [reals, rows];
}

function paintLasso(ctx, ink, path) {
  ctx.beginPath();
  for (const at of path) ctx.lineTo(...at);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
  ctx.setLineDash([5, 4]);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Beside the pointer: the image behind a mark, and what it is. */
function tooltip(run) {
  const SIDE = 64;
  const picture = h("canvas", {});
  const text = h("div", {});
  const node = h("div", { class: "wdd-tip", role: "tooltip", hidden: true }, picture, text);
  return {
    node,
    hide: () => (node.hidden = true),
    show(hit, [x, y], state, width) {
      const ctx = paper(picture, SIDE, SIDE);
      const drawn = hit.kind === "image" ? run.stamp(ctx, state.frame, hit.row, 0, 0, SIDE) : run.stampReal(ctx, realOf(run, hit, state), 0, 0, SIDE);
      picture.hidden = !drawn;
      text.textContent = markText(run, hit, state);
      node.hidden = false;
      const scale = enlarged(node);
      node.style.left = `${Math.max(0, Math.min(width * scale - 230, x * scale + 14))}px`;
      node.style.top = `${y * scale + 14}px`;
    },
  };
}

/** The drawn real image that stands for a mark: itself, or the one nearest to a support point. */
function realOf(run, hit, state) {
  if (hit.kind === "real") return hit.i;
  const at = Math.min(state.barycenter, hit.way.steps - 1) * hit.way.points + hit.j;
  return hit.way.nearest.length ? hit.way.nearest[at] : -1;
}

function markText(run, hit, state) {
  if (hit.kind === "real") return `a real image of class ${run.classes[run.realLabels[hit.i]]}`;
  if (hit.kind === "image") return `distilled ${imageName(run, hit.row)}${hit.outside ? ", outside of the picture" : ""}`;
  const t = Math.min(state.barycenter, hit.way.steps - 1);
  const mass = hit.way.masses[t * hit.way.points + hit.j];
  const own = partners(state, hit).length;
  const said = own ? ` It stands for ${own} of the ${hit.way.reals.length} drawn real images.` : "";
  const shown = hit.way.nearest.length ? " Shown: the real image nearest to it." : "";
  return `support point ${hit.j + 1} of class ${run.classes[hit.way.label]}, mass ${short(mass)}.${said}${shown}`;
}

/** Position in the distilled set of the image that belongs to a support point. */
function positionOf(run, way, j) {
  const row = run.rowOf(way.label, j);
  if (row >= 0) return run.indices[row];
  let before = 0; // before there are images: classes one after the other, as they will be
  for (const each of run.ways) if (each.label < way.label) before += each.points;
  return run.labels.length && !run.paired ? -1 : before + j;
}

const counted = new WeakMap();

/** How many there are of each class, counted once: there may be sixty thousand. */
function countsOf(labels) {
  if (!counted.has(labels)) {
    const counts = new Map();
    labels.forEach((label) => counts.set(label, (counts.get(label) ?? 0) + 1));
    counted.set(labels, counts);
  }
  return counted.get(labels);
}

function featuresText(run, state) {
  const count = (labels) => [...countsOf(labels)].reduce((sum, [label, n]) => sum + (state.shows(label) ? n : 0), 0);
  const points = run.ways.filter((way) => state.shows(way.label)).reduce((sum, way) => sum + way.points, 0);
  const images = state.frame >= 0 ? count(run.labels) : 0;
  const chosen = state.row >= 0 ? ` Ring: ${imageName(run, state.row)}.` : "";
  return (
    `Features in two dimensions, ${state.projection.name}, at step ${state.number} (${state.phase}): ` +
    `${count(run.realLabels)} real images, ${points} support points and ${images} distilled images.${chosen} ` +
    "Keys: plus and minus zoom, arrows move, n and p choose the next and the one before."
  );
}

/** What disc and square mean, with sizes for three masses, and the scale of the gap. */
function featureKey(run, state) {
  const items = [];
  if (run.realLabels.length) items.push(h("li", {}, "small marks: real images, colour and shape by class"));
  if (run.ways.length) items.push(h("li", { style: "flex-wrap: wrap" }, discKey(run), "discs: support points; each stands for many real images, its area is their share (mass)"));
  const bright = h("span", { class: "wdd-square", "aria-hidden": "true" });
  if (run.frames.length) items.push(h("li", {}, bright, "squares: distilled images"));
  if (state.look.gap && state.frame >= 0 && run.gaps) {
    const bar = h("span", { class: "wdd-ramp", role: "img", "aria-label": "from dark, near, to light, far" });
    bar.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(ramp).join(", ")})`;
    items.push(h("li", {}, `gap to its support point, squared: ${short(run.gaps.low)} `, bar, ` ${short(run.gaps.high)}`));
  }
  return h("ul", { class: "wdd-key" }, ...items);
}

function discKey(run) {
  const masses = [run.heaviest / 10, run.heaviest / 3, run.heaviest];
  const add = (tag, attributes, content = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(content);
    return node;
  };
  const svg = add("svg", { class: "wdd-discs", role: "img", "aria-label": `discs of mass ${masses.map(short).join(", ")}` });
  let x = 1;
  for (const mass of masses) {
    const r = discRadius(run, mass);
    svg.append(add("circle", { cx: x + r, cy: LARGEST_DISC + 1, r }), add("text", { x: x + 2 * r + 4, y: LARGEST_DISC + 5 }, short(mass)));
    x += 2 * r + 8 + 8 * short(mass).length;
  }
  svg.setAttribute("width", x);
  svg.setAttribute("height", 2 * LARGEST_DISC + 2);
  return svg;
}
