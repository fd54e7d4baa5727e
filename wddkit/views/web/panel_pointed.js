// What is under a pointer, or inside of a lasso, in the features' picture; and what is said of it beside the pointer.

const REACH = 9; // pixels around a mark that still mean it

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
      const { at, outside } = imageAt(run, state, toPixels, row);
      offer(near(...at), REACH, { kind: "image", row, position: run.indices[row], outside });
    });
  }
  if (best) return best;
  for (const way of shownWays(run, state)) {
    for (let j = 0; j < way.points; j++) {
      const reach = Math.max(REACH, discRadius(run, massAt(state, way, j)));
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
    const at = there && state.shows(label) && imageAt(run, state, toPixels, row).at;
    if (at && inside(at)) rows.push(row);
  });
  return [reals, rows];
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
      const [ctx, spot] = [paper(picture, SIDE, SIDE), [0, 0, SIDE]];
      if (hit.kind === "image") picture.hidden = !run.stamp(ctx, state.frame, hit.row, ...spot);
      else picture.hidden = !run.stampReal(ctx, realOf(run, hit, state), ...spot);
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
  const at = stepAt(state, hit.way) * hit.way.points + hit.j;
  return hit.way.nearest.length ? hit.way.nearest[at] : -1;
}

function markText(run, hit, state) {
  if (hit.kind === "real") return `a real image of class ${run.classes[run.realLabels[hit.i]]}`;
  const where = hit.outside ? ", outside of the picture" : "";
  if (hit.kind === "image") return `distilled ${imageName(run, hit.row)}${where}`;
  const own = partners(state, hit).length;
  const said = own ? ` It stands for ${own} of the ${hit.way.reals.length} drawn real images.` : "";
  const shown = hit.way.nearest.length ? " Shown: the real image nearest to it." : "";
  return `${supportName(run, hit)}, mass ${short(massAt(state, hit.way, hit.j))}.${said}${shown}`;
}

/** Position in the distilled set of the image that belongs to a support point. */
function positionOf(run, way, j) {
  const row = run.rowOf(way.label, j);
  if (row >= 0) return run.indices[row];
  let before = 0; // before there are images: classes one after the other, as they will be
  for (const each of run.ways) if (each.label < way.label) before += each.points;
  return run.labels.length && !run.paired ? -1 : before + j;
}
