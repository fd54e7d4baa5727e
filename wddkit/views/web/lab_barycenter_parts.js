// Parts of the barycenter laboratory: the board with its cells, the value with its curve, and the controls.

const LAB_DATA_ROW = 74; // pixels from the top: the first measure's line
const LAB_ROW_APART = 84;
const LAB_MARKS = ["dot", "diamond", "up", "cross"]; // of several measures

/** What is drawn on the board, and where things are. */
function barycenterBoard(scene) {
  const { state, view, support, flat, owner } = scene;
  const row = (k) => (flat ? LAB_DATA_ROW + LAB_ROW_APART * k : undefined);
  let from = 0;
  const sets = state.data.map(({ points, masses }, k) => {
    const own = owner.slice(from, (from += points.length));
    return { key: `p${k}`, points, masses, row: row(k), owner: own, radius: (mass) => dataRadius(mass, points.length) };
  });
  const masses = support.map((_, i) => scene.assigned.masses?.[i] ?? 1 / support.length);
  sets.push({
    key: "s",
    points: support,
    masses,
    row: row(state.data.length),
    radius: (mass) => supportRadius(mass, support.length),
  });
  return {
    frame: view.frame,
    sets,
    height: LAB_DATA_ROW + LAB_ROW_APART * state.data.length + 70,
    said: `Board with ${barycenterSaid(scene)}`,
    paint: (ctx, scale, ink, size) => paintBarycenter(ctx, scene, sets, scale, ink, size),
  };
}

/** Areas go with masses; what the mean point has is always the same, as there are many or few. */
const dataRadius = (mass, count) => Math.max(3, Math.min(16, 5.5 * Math.sqrt(mass * count)));

/** The board in words, for those who do not see it. */
function barycenterSaid({ state, support, value, k, view }) {
  const count = state.data.reduce((sum, each) => sum + each.points.length, 0);
  const moment = view.half === 0 ? "nothing assigned yet" : `step ${k}, ${barycenterName(state)} ${labShort(value)}`;
  return `${count} points and ${support.length} support points; ${moment}`;
}

function paintBarycenter(ctx, scene, sets, scale, ink, size) {
  const { view, assigned, support, moved } = scene;
  if (assigned.plan && !moved) paintGround(ctx, scene, sets, scale, size);
  const all = sets.slice(0, -1).flatMap(({ points, row }) => points.map((x) => scale.pixels(x, row)));
  const last = sets.at(-1);
  const centres = support.map((y) => scale.pixels(y, last.row));
  const entries = assigned.plan ? labEntries(assigned.plan, all.length) : [];
  const ends = ({ i, j }) => [centres[i], all[j]];
  view.under = (x, y) => {
    const found = labLineAt(entries, ends, x, y);
    return found && { i: found.i, j: found.j };
  };
  paintThreads(ctx, entries, ends, scene, ink);
  for (const set of sets.slice(0, -1)) paintData(ctx, set, scale, ink, scene);
  paintWays(ctx, scene, scale, last.row, ink);
  paintSupport(ctx, centres, scene, ink);
}

/** A line from each support point to all that it holds; to points that it shares with others a broken one. */
function paintThreads(ctx, entries, ends, { owner, view }, ink) {
  for (const entry of entries) {
    const pointed = view.pointed && view.pointed.i === entry.i && (view.pointed.j ?? entry.j) === entry.j;
    [ctx.strokeStyle, ctx.lineWidth] = [
      pointed ? ink.accent : colourOf(entry.i),
      Math.max(1, Math.min(7, 30 * entry.mass)),
    ];
    ctx.globalAlpha = pointed ? 1 : 0.55;
    ctx.setLineDash(owner[entry.j].split ? [6, 4] : []);
    ctx.beginPath();
    for (const end of ends(entry)) ctx.lineTo(...end);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

/** The points, each with colour and shape of the support point that takes most of its mass; hollow: of none. */
function paintData(ctx, { key, points, masses, row, owner, radius }, scale, ink, { view, state }) {
  const several = state.data.length > 1;
  if (row !== undefined) {
    const heaviest = Math.max(...state.data.flatMap((each) => each.masses));
    paintStems(ctx, { key: "a", points, masses, row }, scale, { colour: ink.soft, tallest: 50, heaviest });
  }
  points.forEach((x, j) => {
    const [px, py] = scale.pixels(x, row);
    const r = radius(masses[j]);
    const { best } = owner[j];
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [ink.back, ink.back, 4];
    const shape = several ? LAB_MARKS[Number(key.slice(1)) % LAB_MARKS.length] : best < 0 ? "dot" : shapeOf(best);
    mark(ctx, shape, px, py, r + 1.5); // a rim, so that marks stand out from lines and cells
    ctx.fillStyle = ctx.strokeStyle = best < 0 ? ink.soft : colourOf(best);
    ctx.lineWidth = 2.5;
    mark(ctx, shape, px, py, r);
    if (view.chosen?.set !== key || view.chosen.index !== j) return;
    [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 2];
    ctx.beginPath();
    ctx.arc(px, py, r + 4, 0, 2 * Math.PI);
    ctx.stroke();
  });
}

/** Where the support points have been, and the arrow of the move that has just been made. */
function paintWays(ctx, { steps, k, moved, assigned, support }, { pixels }, row, ink) {
  support.forEach((y, i) => {
    const way = [...steps.slice(0, moved ? k : k + 1).map((step) => step.support[i]), y];
    if (way.some((each) => !each)) return;
    [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 2];
    ctx.setLineDash([1, 4]);
    ctx.beginPath();
    for (const each of way) ctx.lineTo(...pixels(each, row));
    ctx.stroke();
    ctx.setLineDash([]);
    if (moved && assigned.plan) paintArrow(ctx, pixels(assigned.support[i], row), pixels(y, row), ink.text);
  });
}

function paintArrow(ctx, [ax, ay], [bx, by], colour) {
  const length = Math.hypot(bx - ax, by - ay);
  if (length < 4) return;
  const [dx, dy] = [(bx - ax) / length, (by - ay) / length];
  const [tx, ty] = length > 28 ? [bx - 14 * dx, by - 14 * dy] : [bx, by]; // not under the disc
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth] = [colour, colour, 2.5];
  ctx.beginPath();
  ctx.moveTo(ax, ay);
  ctx.lineTo(tx - 6 * dx, ty - 6 * dy);
  ctx.stroke();
  ctx.beginPath();
  for (const [along, aside] of [
    [0, 0],
    [-9, 5],
    [-9, -5],
  ])
    ctx.lineTo(tx + along * dx - aside * dy, ty + along * dy + aside * dx);
  ctx.fill();
}

/** Discs with the number of each support point; areas go with masses, between bounds that keep the numbers readable. */
const supportRadius = (mass, m) => Math.max(9, Math.min(22, 13 * Math.sqrt(mass * m)));

function paintSupport(ctx, centres, { view, assigned }, ink) {
  centres.forEach(([x, y], i) => {
    const chosen = view.chosen?.set === "s" && view.chosen.index === i;
    ctx.beginPath();
    ctx.arc(x, y, supportRadius(assigned.masses?.[i] ?? 1 / centres.length, centres.length), 0, 2 * Math.PI);
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colourOf(i), ink.text, chosen ? 4 : 2];
    ctx.fill();
    ctx.stroke();
    [ctx.fillStyle, ctx.textAlign] = ["#000000", "center"];
    ctx.font = `bold 13px ${FONT}`;
    ctx.fillText(String(i + 1), x, y + 0.5);
  });
  ctx.font = `12px ${FONT}`;
}

/**
 * What the cells are: place x belongs to the support point of least c(y_i, x) - level_i, or to none where that is above
 * the bar. With free masses all levels are 0: Voronoi cells. With equal masses they are the plan's potentials, which
 * move the borders until the cells hold equal masses (of one measure: several have no common cells).
 */
function cellLevels({ state, support }) {
  const { data, rule, cost, trim } = state;
  const m = support.length;
  if (data.length > 1) return null;
  const [{ points, masses }] = data;
  const C = costMatrix(support, points, cost);
  const n = points.length;
  if (rule === "free") {
    const paid = points.map((_, j) => Math.min(...support.map((_, i) => C[i * n + j])));
    const kept = keptMasses(paid, masses, trim);
    return { levels: support.map(() => 0), bar: trim ? Math.max(...paid.filter((_, j) => kept[j])) : Infinity };
  }
  const wide = new Float64Array((m + (trim ? 1 : 0)) * n);
  wide.set(C);
  const { u } = exactPlan(wide, [...support.map(() => (1 - trim) / m), ...(trim ? [trim] : [])], masses);
  return { levels: Array.from(u.slice(0, m)), bar: trim ? -u[m] : Infinity };
}

/** The cells as a ground in pale colours with darker borders; on a line as bands behind the points. */
function paintGround(ctx, scene, sets, scale, { width, height }) {
  const { state, view, support, flat, assigned } = scene;
  const fine = support.length * (state.cost === "cosine" ? 4 : 1) > 8 ? 4 : 2; // pixels
  const key = [width, height, fine].join();
  if (view.cells.of !== assigned || view.cells.key !== key) {
    const found = cellLevels(scene);
    view.cells = {
      of: assigned,
      key,
      image: found && cellImage({ ...found, support, cost: state.cost, scale, flat }, width, height, fine),
    };
  }
  if (!view.cells.image) return;
  const { left, right } = LAB_MARGIN;
  ctx.save();
  ctx.beginPath();
  if (flat) ctx.rect(left, sets[0].row - 22, width - left - right, 44);
  else ctx.rect(...scale.box());
  ctx.clip();
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(view.cells.image, 0, 0, width, height);
  ctx.restore();
}

function cellImage({ levels, bar, support, cost, scale, flat }, width, height, fine) {
  const [columns, rows] = [Math.ceil(width / fine), flat ? 1 : Math.ceil(height / fine)];
  const { of } = GROUND_COSTS[cost];
  const cell = new Int16Array(columns * rows);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const x = scale.exact(fine * (column + 0.5), fine * (row + 0.5));
      let [best, least] = [-1, bar];
      for (let i = 0; i < support.length; i++) {
        const each = cost === "cosine" && !x.some(Boolean) ? Infinity : of(support[i], x) - levels[i];
        if (each <= least) [best, least] = [i, each];
      }
      cell[at] = best;
    }
  }
  return tinted(cell, columns, rows);
}

/** A picture of the cells: each in its colour, stronger where another one begins. */
function tinted(cell, columns, rows) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const image = canvas.getContext("2d").createImageData(columns, rows);
  const rgb = COLOURS.map((each) => [1, 3, 5].map((at) => parseInt(each.slice(at, at + 2), 16)));
  cell.forEach((i, at) => {
    const border = (at % columns && cell[at - 1] !== i) || (at >= columns && cell[at - columns] !== i);
    if (i >= 0) image.data.set(rgb[i % COLOURS.length], 4 * at);
    else if (border) image.data.set([128, 128, 128], 4 * at);
    image.data[4 * at + 3] = border ? 200 : i < 0 ? 0 : 38;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
