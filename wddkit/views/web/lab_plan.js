// A plan, drawn: as lines between points, as a matrix with its marginals and potentials, as two quantile functions.

const LAB_LINES = 1500; // lines drawn at most, the heaviest
const LAB_FAINT = 0.004; // of the heaviest entry: what is lighter is not drawn
const LAB_STRIP = 58; // pixels beside the matrix for a bar chart
const LAB_NAMED = 8; // points of a side that are named on the board
const LAB_FEW = 16; // pixels of a cell that has room for its point's name

/** Colours of the two sides and of the plan, told apart with any colour vision and by their shapes. */
function labInks(root) {
  const style = getComputedStyle(root);
  const [a, b, plan] = ["a", "b", "plan"].map((name) => style.getPropertyValue(`--lab-${name}`).trim());
  return { a, b, plan };
}

/** The heaviest entries of a plan, as { i, j, mass }, the heaviest first. */
function labEntries(plan, n) {
  const most = plan.reduce((high, t) => Math.max(high, t), 0);
  const found = [];
  plan.forEach((mass, at) => mass > LAB_FAINT * most && found.push({ i: Math.floor(at / n), j: at % n, mass }));
  return found.sort((p, q) => q.mass - p.mass).slice(0, LAB_LINES);
}

/** One line to each entry, as wide as it carries; `ends` gives its two places in pixels. */
function paintLines(ctx, entries, ends, colour) {
  const most = entries[0]?.mass ?? 1;
  ctx.strokeStyle = colour;
  ctx.lineCap = "round";
  for (const entry of [...entries].reverse()) {
    const [[ax, ay], [bx, by]] = ends(entry);
    ctx.lineWidth = Math.max(0.8, Math.min(14, 40 * entry.mass));
    ctx.globalAlpha = 0.25 + 0.55 * Math.min(1, (1.5 * entry.mass) / most);
    ctx.beginPath();
    ctx.moveTo(ax, ay);
    ctx.lineTo(bx, by);
    ctx.stroke();
  }
  ctx.globalAlpha = 1;
}

/** The entry whose line passes nearest to a place, if any is within reach. */
function labLineAt(entries, ends, x, y, reach = 7) {
  let best = null;
  for (const entry of entries) {
    const [[ax, ay], [bx, by]] = ends(entry);
    const [dx, dy] = [bx - ax, by - ay];
    const t = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    const apart = Math.hypot(ax + t * dx - x, ay + t * dy - y);
    if (apart < (best?.apart ?? reach)) best = { ...entry, apart };
  }
  return best;
}

/** A disc (side a) or a square (side b) with an area by mass; the part that is carried is filled. */
function paintSide(ctx, { key, points, masses, carried, row }, { pixels }, { ink, colour, chosen }) {
  const named = points.length <= LAB_NAMED;
  points.forEach((x, i) => {
    const [px, py] = pixels(x, row);
    const r = labRadius(masses[i]);
    const full = carried[i] >= masses[i] * (1 - 1e-6);
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colour, colour, 2];
    labShape(ctx, key, px, py, full ? r : r * Math.sqrt(carried[i] / masses[i]));
    ctx.fill();
    labShape(ctx, key, px, py, r);
    if (i === chosen) [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 3];
    else if (full) [ctx.strokeStyle, ctx.lineWidth] = [ink.back, 1];
    ctx.stroke();
    if (named)
      labName(ctx, `${key}${i + 1}`, px, py, r, ink, row === undefined ? (key === "a" ? -1 : 1) : key === "a" ? 2 : -2);
  });
}

function labShape(ctx, key, x, y, r) {
  ctx.beginPath();
  if (key === "a") ctx.arc(x, y, r, 0, 2 * Math.PI);
  else ctx.rect(x - 0.886 * r, y - 0.886 * r, 1.772 * r, 1.772 * r); // the area of the disc
}

/** A name beside a mark, with a rim that keeps it readable on lines; `side` 1: right, -1: left, 2: below, -2: above. */
function labName(ctx, text, x, y, r, ink, side) {
  ctx.textAlign = { [-1]: "right", 1: "left" }[side] ?? "center";
  const [tx, ty] = Math.abs(side) === 1 ? [x + side * (r + 4), y] : [x, y + Math.sign(side) * (r + 10)];
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth] = [ink.back, ink.text, 4];
  ctx.lineJoin = "round";
  ctx.strokeText(text, tx, ty);
  ctx.fillText(text, tx, ty);
}

/** On a line: every mass as a bar that stands on its point, up for a and down for b, all to one scale. */
function paintStems(ctx, { key, points, masses, row }, { pixels }, { colour, tallest, heaviest }) {
  [ctx.fillStyle, ctx.globalAlpha] = [colour, 0.45];
  points.forEach((x, i) => {
    const [px, py] = pixels(x, row);
    const tall = (tallest * masses[i]) / heaviest;
    ctx.fillRect(px - 4, key === "a" ? py - tall : py, 8, tall);
  });
  ctx.globalAlpha = 1;
}

/** The matrix of the plan. `act.point(entry | bar | null)`: what the pointer or the keyboard is on. */
function labMatrix(act) {
  const label = { role: "img", tabindex: "0", "data-lm-suppress-shortcuts": "true" };
  const canvas = h("canvas", { class: "wdd-canvas wdd-matrix", ...label });
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  let box = null;
  const find = ([x, y]) => {
    const { left, top, cell, m, n } = box;
    const [i, j] = [Math.floor((y - top) / cell), Math.floor((x - left) / cell)];
    const [row, column] = [i >= 0 && i < m, j >= 0 && j < n];
    if (row && column) return { i, j };
    return row ? { i } : column ? { j } : null;
  };
  canvas.addEventListener("pointermove", (event) => act.point(find(place(event))));
  canvas.addEventListener("pointerleave", () => act.point(null));
  canvas.addEventListener("blur", () => act.point(null));
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!moves[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [down, right] = moves[event.key];
    const { i = 0, j = 0 } = act.pointed() ?? { i: -down, j: -right };
    const inside = (value, count) => Math.max(0, Math.min(count - 1, value));
    act.point({ i: inside(i + down, box.m), j: inside(j + right, box.n) });
  });

  function draw(scene, ink) {
    const [m, n] = [scene.a.masses.length, scene.b.masses.length];
    const width = Math.min(across(sheet), 640);
    const room = width - 2 * LAB_STRIP - 8;
    const cell = Math.min(room / n, (room * 0.9) / m, 64);
    const [left, top] = [LAB_STRIP + (room - cell * n) / 2, LAB_STRIP];
    box = { left, top, cell, m, n, pointed: scene.pointed };
    const ctx = paper(canvas, width, top + cell * m + LAB_STRIP + 4);
    paintCells(ctx, scene, box, ink);
    paintMasses(ctx, scene, box, ink);
    paintPotentials(ctx, scene, box, ink);
    paintPointed(ctx, box, ink);
    canvas.setAttribute("aria-label", scene.said);
  }
  return { node: sheet, draw };
}

/** The entries: the darker, the more of the heaviest; written out where there is room. */
function paintCells(ctx, { plan, ink: inksOf }, { left, top, cell, m, n }, ink) {
  const most = plan.reduce((high, t) => Math.max(high, t), 0) || 1;
  ctx.fillStyle = inksOf.plan;
  for (let i = 0, at = 0; i < m; i++) {
    for (let j = 0; j < n; j++, at++) {
      if (plan[at] < LAB_FAINT * most) continue;
      ctx.globalAlpha = 0.12 + (0.88 * plan[at]) / most;
      ctx.fillRect(left + j * cell, top + i * cell, cell, cell);
    }
  }
  ctx.globalAlpha = 1;
  [ctx.strokeStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, 1, "center"];
  ctx.strokeRect(left, top, cell * n, cell * m);
  for (let i = 1; cell >= 6 && i < m; i++) ctx.strokeRect(left, top + i * cell, cell * n, 0);
  for (let j = 1; cell >= 6 && j < n; j++) ctx.strokeRect(left + j * cell, top, 0, cell * m);
  if (cell < 38) return;
  plan.forEach((mass, at) => {
    if (mass < 0.005) return;
    ctx.fillStyle = mass > 0.55 * most ? ink.back : ink.text;
    ctx.fillText(mass.toFixed(2), left + ((at % n) + 0.5) * cell, top + (Math.floor(at / n) + 0.5) * cell);
  });
}

/** Bars of the masses: of a to the left of its rows, of b over its columns; filled as far as they are carried. */
function paintMasses(ctx, { a, b, ink: inksOf }, { left, top, cell }, ink) {
  const heaviest = Math.max(...a.masses, ...b.masses, ...a.carried, ...b.carried); // unbalanced plans can carry more
  const thick = Math.max(1, cell * 0.7);
  const room = LAB_STRIP - 26;
  const bar = (side, colour, rect) => {
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colour, colour, 1];
    side.masses.forEach((mass, i) => {
      ctx.fillRect(...rect(i, (room * side.carried[i]) / heaviest));
      if (cell >= 4) ctx.strokeRect(...rect(i, (room * mass) / heaviest));
    });
  };
  bar(a, inksOf.a, (i, long) => [left - 4 - long, top + (i + 0.5) * cell - thick / 2, long, thick]);
  bar(b, inksOf.b, (j, long) => [left + (j + 0.5) * cell - thick / 2, top - 4 - long, thick, long]);
  if (cell < LAB_FEW) return;
  [ctx.fillStyle, ctx.textAlign] = [ink.text, "right"];
  const beyond = (side, i) => (room * Math.max(side.masses[i], side.carried[i])) / heaviest + 7;
  a.masses.forEach((_, i) => ctx.fillText(`a${i + 1}`, left - beyond(a, i), top + (i + 0.5) * cell));
  ctx.textAlign = "center";
  b.masses.forEach((_, j) => ctx.fillText(`b${j + 1}`, left + (j + 0.5) * cell, top - beyond(b, j) - 4));
}

/** Bars of the potentials, to either side of their 0: u to the right of the rows, v under the columns. */
function paintPotentials(ctx, { u, v, ink: inksOf }, { left, top, cell, m, n }, ink) {
  const largest = Math.max(1e-12, ...Array.from(u, Math.abs), ...Array.from(v, Math.abs));
  const reach = (LAB_STRIP - 14) / 2;
  const [x0, y0] = [left + cell * n + 6 + reach, top + cell * m + 6 + reach];
  const thick = Math.max(1, cell * 0.5);
  [ctx.strokeStyle, ctx.lineWidth, ctx.globalAlpha] = [ink.soft, 1, 1];
  ctx.strokeRect(x0, top, 0, cell * m);
  ctx.strokeRect(left, y0, cell * n, 0);
  ctx.globalAlpha = 0.8;
  ctx.fillStyle = inksOf.a;
  u.forEach((each, i) => ctx.fillRect(x0, top + (i + 0.5) * cell - thick / 2, (reach * each) / largest, thick));
  ctx.fillStyle = inksOf.b;
  v.forEach((each, j) => ctx.fillRect(left + (j + 0.5) * cell - thick / 2, y0, thick, (-reach * each) / largest));
  ctx.globalAlpha = 1;
  [ctx.fillStyle, ctx.textAlign] = [ink.soft, "center"];
  ctx.fillText("u", x0, top - 10);
  ctx.fillText("v", left - 12, y0);
}

function paintPointed(ctx, { pointed, left, top, cell, m, n }, ink) {
  if (!pointed) return;
  const { i, j } = pointed;
  [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 3];
  const [x, y] = [left + (j ?? 0) * cell, top + (i ?? 0) * cell];
  ctx.strokeRect(x, y, j === undefined ? cell * n : cell, i === undefined ? cell * m : cell);
}

/** The quantile functions of two measures on a line: position against the share of mass to the left of it. */
function labQuantiles() {
  const canvas = h("canvas", { class: "wdd-canvas", role: "img" });
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  return {
    node: sheet,
    draw({ sides, frame, names }, ink) {
      const [width, height] = [across(sheet), 190];
      const ctx = paper(canvas, width, height);
      const [low, high] = [frame.low[0], frame.high[0]];
      const levels = ticks(low, high, 4);
      const left = labGutter(labTicks(levels));
      const x = (share) => left + share * (width - left - LAB_MARGIN.right);
      const y = (value) => height - 26 - ((value - low) / (high - low)) * (height - 40);
      const steps = sides.map(labSteps);
      paintBetween(ctx, steps, x, y, ink);
      [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "right"];
      labTicks(levels).forEach((text, at) => ctx.fillText(text, x(0) - 6, y(levels[at])));
      ctx.textAlign = "center";
      for (const share of [0, 0.25, 0.5, 0.75, 1])
        ctx.fillText(`${100 * share} %`, Math.min(x(share), width - 20), height - 10);
      ctx.strokeRect(x(0), y(high), x(1) - x(0), y(low) - y(high));
      sides.forEach(({ colour, dash }, side) => {
        [ctx.strokeStyle, ctx.lineWidth] = [colour, 3];
        ctx.setLineDash(dash);
        ctx.beginPath();
        for (const [from, to, value] of steps[side]) {
          ctx.lineTo(x(from), y(value));
          ctx.lineTo(x(to), y(value));
        }
        ctx.stroke();
      });
      ctx.setLineDash([]);
      canvas.setAttribute(
        "aria-label",
        `Quantile functions of ${names.join(" and ")}: position against share of mass.`,
      );
    },
  };
}

/** [from, to, position] of each point in the order of the line. */
function labSteps({ points, masses }) {
  let sum = 0;
  return sortedBy(points.map((x) => x[0])).map((i) => [sum, (sum += masses[i]), points[i][0]]);
}

/** The area between two step functions. */
function paintBetween(ctx, [first, second], x, y, ink) {
  const cuts = [...new Set([...first, ...second].map(([, to]) => to))].sort((p, q) => p - q);
  const at = (steps, share) => (steps.find(([, to]) => share < to) ?? steps.at(-1))[2];
  [ctx.fillStyle, ctx.globalAlpha] = [ink.soft, 0.2];
  cuts.forEach((to, k) => {
    const from = k ? cuts[k - 1] : 0;
    const [p, q] = [first, second].map((steps) => y(at(steps, (from + to) / 2)));
    ctx.fillRect(x(from), Math.min(p, q), x(to) - x(from), Math.abs(p - q));
  });
  ctx.globalAlpha = 1;
}
