// Features: where the teacher places the real images, the support points and the distilled images.

const LARGEST_DISC = 17; // radius in pixels of the heaviest support point
const SQUARE = 4.5; // half a side of a distilled image's square
const MOST_NAMES = 30; // classes; more names would hide the marks

/** Radius of a support point's disc: its area goes with its mass. */
const discRadius = (run, mass) => LARGEST_DISC * Math.sqrt(mass / (run.heaviest || 1));

function featuresPanel(run, act) {
  const canvas = h("canvas", { class: "wdd-canvas wdd-features", role: "img", onclick: click, onpointermove: hover });
  canvas.addEventListener("pointerleave", () => (hint.textContent = HINT));
  const HINT = "Point at a mark to read what it is; click a square or a disc to follow that image.";
  const hint = h("p", { class: "wdd-hint" }, HINT);
  const steps = Math.max(0, ...run.ways.map((way) => way.steps));
  const value = h("output", { "aria-live": "polite", class: "wdd-value" });
  const button = (change, name, sign) => {
    const label = `barycenter: one step ${name}`;
    return h("button", { type: "button", "aria-label": label, onclick: () => act.setMoment(change) }, sign);
  };
  const [back, next] = [button(-1, "back", "◀"), button(+1, "on", "▶")];
  const ways = h("input", { type: "checkbox", onchange: (event) => act.setTrails(event.target.checked) });
  const trails = h("label", {}, ways, " draw the way that each support point took");
  const barycenter = h("div", { class: "wdd-row" }, back, next, value, trails);
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  const caption = h("p", { class: "wdd-caption" }, run.caption);
  const none = h("p", { class: "wdd-none" }, "This run recorded no features, so there is nothing to place here.");
  const body = run.caption ? [sheet, hint, featureKey(run), ...(steps ? [barycenter] : []), caption] : [none];
  const title = h("h3", {}, "Each small mark is a real image, where the teacher's features place it");
  const node = h("section", { class: "wdd-panel" }, title, ...body);

  let toPixels = null; // set by draw
  let marks = []; // what can be pointed at, topmost last
  const background = { canvas: document.createElement("canvas"), key: "" };

  function draw(state, ink) {
    if (!run.caption) return;
    const width = canvas.parentElement.clientWidth;
    const height = Math.round(Math.min(0.9 * width, 600));
    const ctx = paper(canvas, width, height);
    toPixels = scaling(run, width, height);
    marks = [];
    drawReal(ctx, state, ink, width, height);
    for (const way of run.ways) if (state.shows(way.label)) drawSupport(ctx, state, ink, way);
    if (run.xy.length) drawImages(ctx, state, ink, width, height);
    drawNames(ctx, state, ink);
    describe(state);
  }

  function drawReal(ctx, state, ink, width, height) {
    const key = [width, height, ink.text, window.devicePixelRatio, ...state.classes].join();
    if (background.key !== key) {
      const under = paper(background.canvas, width, height);
      drawAxes(under, run, toPixels, ink, width, height);
      [under.globalAlpha, under.lineWidth] = [0.75, 1.3];
      run.realLabels.forEach((label, i) => {
        if (!state.shows(label)) return;
        under.fillStyle = under.strokeStyle = colourOf(label);
        mark(under, shapeOf(label), ...toPixels(run.realXy[2 * i], run.realXy[2 * i + 1]), 3.2);
      });
      background.key = key;
    }
    ctx.drawImage(background.canvas, 0, 0, width, height);
    run.realLabels.forEach((label, i) => {
      if (!state.shows(label)) return;
      const [x, y] = toPixels(run.realXy[2 * i], run.realXy[2 * i + 1]);
      marks.push({ x, y, reach: 6, text: `a real image of class ${run.classes[label]}` });
    });
  }

  function drawSupport(ctx, state, ink, way) {
    const t = Math.min(state.moment, way.steps - 1);
    const at = (step, j) => toPixels(way.xy[2 * (step * way.points + j)], way.xy[2 * (step * way.points + j) + 1]);
    for (let j = 0; j < way.points; j++) {
      if (state.trails) {
        ctx.beginPath();
        for (let step = 0; step <= t; step++) ctx.lineTo(...at(step, j));
        [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 1];
        ctx.stroke();
      }
      const [x, y] = at(t, j);
      const mass = way.masses[t * way.points + j];
      const r = discRadius(run, mass);
      ctx.beginPath();
      ctx.arc(x, y, r, 0, 2 * Math.PI);
      [ctx.fillStyle, ctx.globalAlpha] = [colourOf(way.label), 0.5];
      ctx.fill();
      [ctx.strokeStyle, ctx.lineWidth, ctx.globalAlpha] = [ink.text, 1, 1];
      ctx.stroke();
      const row = run.paired ? run.labels.findIndex((label, i) => label === way.label && run.rank[i] === j) : -1;
      const text = `support point ${j + 1} of class ${run.classes[way.label]}, mass ${short(mass)}`;
      marks.push({ x, y, reach: r, row, text });
    }
  }

  function drawImages(ctx, state, ink, width, height) {
    const count = run.labels.length;
    const clamp = (v, high) => Math.max(SQUARE + 2, Math.min(high - SQUARE - 2, v));
    const at = (row) => {
      const [x, y] = toPixels(run.xy[2 * (state.step * count + row)], run.xy[2 * (state.step * count + row) + 1]);
      return [clamp(x, width), clamp(y, height), x < 0 || y < 0 || x > width || y > height];
    };
    for (let row = 0; row < count; row++) {
      if (!state.shows(run.labels[row])) continue;
      const [x, y, outside] = at(row);
      ctx.fillStyle = outside ? ink.back : colourOf(run.labels[row]);
      ctx.fillRect(x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE);
      [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 1.5];
      ctx.strokeRect(x - SQUARE, y - SQUARE, 2 * SQUARE, 2 * SQUARE);
      const text = `distilled ${imageName(run, row)}${outside ? ", outside of the picture" : ""}`;
      marks.push({ x, y, reach: SQUARE + 4, row, text });
    }
    if (state.row >= 0 && state.shows(run.labels[state.row])) {
      const [x, y] = at(state.row);
      drawTarget(ctx, state, ink, x, y);
      ring(ctx, ink, () => ctx.arc(x, y, 12, 0, 2 * Math.PI));
    }
  }

  /** Names where the classes are, so that nobody has to tell colours apart. */
  function drawNames(ctx, state, ink) {
    if (run.present.length > MOST_NAMES && state.classes.size === 0) return;
    ctx.save();
    ctx.font = `bold 14px ${FONT}`;
    [ctx.textAlign, ctx.lineJoin, ctx.lineWidth] = ["center", "round", 4];
    [ctx.fillStyle, ctx.strokeStyle] = [ink.text, ink.back];
    for (const [label, x, y] of classCentres(run)) {
      if (!state.shows(label)) continue;
      const at = [fitted(ctx, run.classes[label], 120), ...toPixels(x, y)];
      ctx.strokeText(...at);
      ctx.fillText(...at);
    }
    ctx.restore();
  }

  /** A line from the chosen image to the support point that it is drawn to. */
  function drawTarget(ctx, state, ink, x, y) {
    const way = run.paired && run.ways.find((each) => each.label === run.labels[state.row]);
    const j = run.rank[state.row];
    if (!way || j >= way.points) return;
    const i = Math.min(state.moment, way.steps - 1) * way.points + j;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(...toPixels(way.xy[2 * i], way.xy[2 * i + 1]));
    [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
    ctx.stroke();
  }

  function describe(state) {
    const frame = run.frames[state.step];
    const count = (labels) => labels.filter((label) => state.shows(label)).length;
    const points = run.ways.filter((way) => state.shows(way.label)).reduce((sum, way) => sum + way.points, 0);
    const chosen = state.row >= 0 ? ` Ring: ${imageName(run, state.row)}.` : "";
    canvas.setAttribute(
      "aria-label",
      `Features in two dimensions at step ${frame.step} (${frame.phase}): ${count([...run.realLabels])} real images, ` +
        `${points} support points and ${run.xy.length ? count([...run.labels]) : 0} distilled images.${chosen}`,
    );
    if (!steps) return;
    const shown = run.ways.filter((way) => state.shows(way.label));
    const mean = (name) => {
      const values = shown.map((way) => way[name][Math.min(state.moment, way.steps - 1)]);
      const known = values.filter((each) => each != null);
      return known.length ? known.reduce((a, b) => a + b) / known.length : null;
    };
    const heldout = mean("heldout");
    value.textContent = [
      `Barycenter after step ${state.moment} of ${steps - 1}: `,
      `squared W2 to the training features ${short(mean("value"))}`,
      heldout === null ? "" : `, held-out ${short(heldout)}`,
      shown.length > 1 ? " (mean over classes)" : "",
    ].join("");
    [back.disabled, next.disabled] = [state.moment === 0, state.moment === steps - 1];
  }

  function found(event) {
    const [x, y] = place(event);
    return marks.findLast((each) => Math.hypot(each.x - x, each.y - y) <= each.reach);
  }

  function hover(event) {
    const text = found(event)?.text;
    hint.textContent = text ? `This is ${text}.` : HINT;
  }

  function click(event) {
    const row = found(event)?.row ?? -1;
    if (row >= 0) act.select(row);
  }

  return { node, draw, steps };
}

/** [label, x, y] of each class's mean: of its real features, or else of its last support points. */
function classCentres(run) {
  const sums = new Map();
  const add = (label, x, y) => {
    const sum = sums.get(label) ?? [0, 0, 0];
    sums.set(label, [sum[0] + x, sum[1] + y, sum[2] + 1]);
  };
  run.realLabels.forEach((label, i) => add(label, run.realXy[2 * i], run.realXy[2 * i + 1]));
  for (const way of run.realLabels.length ? [] : run.ways) {
    const xy = way.xy.subarray(-2 * way.points);
    for (let i = 0; i < xy.length; i += 2) add(way.label, xy[i], xy[i + 1]);
  }
  return [...sums].map(([label, [x, y, n]]) => [label, x / n, y / n]);
}

/** A function from features to pixels: the same scale along both axes, everything that matters within. */
function scaling(run, width, height) {
  const points = [...run.realXy];
  for (const way of run.ways) points.push(...way.xy.subarray(-2 * way.points));
  points.push(...run.xy.subarray(-2 * run.labels.length));
  const [last, all] = [bounds(points), bounds([...points, ...run.xy])];
  const near = (i) => all[i + 1] - all[i] < 1.6 * (last[i + 1] - last[i]);
  // Images that start as noise lie far away; they wait at the edge rather than make everything else small.
  const [x0, x1, y0, y1] = near(0) && near(2) ? all : last;
  const [left, bottom, margin] = [40, 34, 22];
  const scale = Math.min((width - left - 2 * margin) / (x1 - x0 || 1), (height - bottom - 2 * margin) / (y1 - y0 || 1));
  const [cx, cy] = [(left + width) / 2, (height - bottom) / 2];
  const toPixels = (x, y) => [cx + (x - (x0 + x1) / 2) * scale, cy - (y - (y0 + y1) / 2) * scale];
  const inverse = (px, py) => [(px - cx) / scale + (x0 + x1) / 2, (cy - py) / scale + (y0 + y1) / 2];
  return Object.assign(toPixels, { inverse, left, bottom });
}

function bounds(xy) {
  const box = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < xy.length; i += 2) {
    box[0] = Math.min(box[0], xy[i]);
    box[1] = Math.max(box[1], xy[i]);
    box[2] = Math.min(box[2], xy[i + 1]);
    box[3] = Math.max(box[3], xy[i + 1]);
  }
  return xy.length ? box : [-1, 1, -1, 1];
}

function drawAxes(ctx, run, toPixels, ink, width, height) {
  const { left, bottom, inverse } = toPixels;
  const [x0, y1] = inverse(left, 0);
  const [x1, y0] = inverse(width, height - bottom);
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "center"];
  ctx.strokeRect(left + 0.5, 0.5, width - left - 1, height - bottom - 1);
  const within = (x) => Math.max(left + 8, Math.min(width - 14, x));
  for (const x of ticks(x0, x1, 7)) ctx.fillText(short(x), within(toPixels(x, 0)[0]), height - bottom + 10);
  ctx.textAlign = "right";
  for (const y of ticks(y0, y1, 6)) ctx.fillText(short(y), left - 4, Math.max(7, toPixels(0, y)[1]));
  const share = (i) => `${["first", "second"][i]} direction, ${Math.round(100 * run.explained[i])} % of the variance`;
  ctx.textAlign = "center";
  ctx.fillText(share(0), (left + width) / 2, height - 7);
  ctx.save();
  ctx.translate(7, (height - bottom) / 2);
  ctx.rotate(-Math.PI / 2);
  ctx.fillText(share(1), 0, 0);
  ctx.restore();
}

/** What disc and square mean, with sizes for three masses. */
function featureKey(run) {
  const items = [];
  if (run.realLabels.length) items.push(h("li", {}, "small marks: real images, colour and shape by class"));
  if (run.ways.length) items.push(h("li", {}, discKey(run), "discs: support points, area in proportion to mass"));
  const square = h("span", { class: "wdd-square", "aria-hidden": "true" });
  if (run.xy.length) items.push(h("li", {}, square, "squares: distilled images"));
  return h("ul", { class: "wdd-key" }, ...items);
}

function discKey(run) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const masses = [run.heaviest / 10, run.heaviest / 3, run.heaviest];
  svg.setAttribute("class", "wdd-discs");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `discs of mass ${masses.map(short).join(", ")}`);
  let x = 1;
  for (const mass of masses) {
    const r = discRadius(run, mass);
    const add = (tag, attributes, content) => {
      const node = document.createElementNS(space, tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      node.textContent = content;
      svg.append(node);
    };
    add("circle", { cx: x + r, cy: LARGEST_DISC + 1, r }, "");
    add("text", { x: x + 2 * r + 4, y: LARGEST_DISC + 5 }, short(mass));
    x += 2 * r + 8 + 8 * short(mass).length;
  }
  svg.setAttribute("width", x);
  svg.setAttribute("height", 2 * LARGEST_DISC + 2);
  return svg;
}
