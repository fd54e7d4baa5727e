// Images: the distilled set at the moment, a row for each class; before there are images, those of support points.

/** What a distilled image is called. */
const imageName = (run, row) => `image ${run.rank[row] + 1} of class ${run.classes[run.labels[row]]}`;
const MOST_TILES = 600; // drawn at once; more classes are paged
const SEEN = 620; // pixels in height that are seen without scrolling, as the style sheet has it
const IMAGES_NOW = "Each row is a class: its distilled images at this step";
const IMAGES_NONE = "No images yet: they come after the barycenters";
const IMAGES_LATER = "No images yet: each cell is the real image nearest to its support point";

/** The ring of what is chosen: seen on every ground, and not by colour alone. */
function ring(ctx, ink, path) {
  for (const [style, width] of [[ink.back, 7], [ink.accent, 4]]) {
    ctx.beginPath();
    path();
    [ctx.strokeStyle, ctx.lineWidth] = [style, width];
    ctx.stroke();
  }
}

/** The panel of the images. */
function imagesPanel(run, act) {
  const canvas = h("canvas", {
    class: "wdd-canvas wdd-images", role: "img",
    onclick: click, onpointermove: (event) => point(place(event)), onpointerleave: () => point(null),
  });
  const tip = tooltip(run);
  const list = imageList(run, act);
  const title = h("h3", {});
  const sheet = h("div", { class: "wdd-sheet wdd-tall wdd-pointed" }, canvas, tip.node);
  const page = pager(() => act.ask());
  const hint = h("span", { class: "wdd-hint" }, "or click an image; n and p go on and back");
  const follow = h("p", { class: "wdd-row" }, list.node, hint);
  const node = h("section", { class: "wdd-panel" }, title, sheet, page.node, follow);
  let [cells, now, over] = [[], null, null]; // over: where the pointer rests

  const layout = (ctx, state, width) => imageGrid(ctx, run, page.cut(imageTiles(run, state), MOST_TILES), width);
  const ruler = document.createElement("canvas").getContext("2d");
  const size = (width, state) => layout(plain(ruler), state, width).height;
  function paint(ctx, state, ink, width) {
    const grid = layout(ctx, state, width);
    paintTiles(ctx, run, state, ink, grid);
    return grid.placed;
  }

  function draw(state, ink) {
    const width = act.across(canvas.parentElement);
    cells = paint(paper(canvas, width, size(width, state)), state, ink, width);
    now = state;
    say(title, state.frame >= 0 ? IMAGES_NOW : run.real.size && run.ways.length ? IMAGES_LATER : IMAGES_NONE);
    list.draw(state);
    canvas.setAttribute("aria-label", imagesText(run, state, cells));
    if (over) point(over); // another image may be there now, or its picture has come
  }

  const cellAt = ([x, y]) => cells.find((cell) => isWithin(x - cell.x, cell.side) && isWithin(y - cell.y, cell.side));

  function click(event) {
    const hit = cellAt(place(event));
    if (hit) act.select(hit.position === now.selected ? -1 : hit.position);
  }

  function point(at) {
    over = at;
    const hit = at && cellAt(at);
    if (!hit) return tip.hide();
    const kind = hit.row !== undefined ? { kind: "image", row: hit.row } : { kind: "support", ...hit };
    tip.show(kind, at, now, act.across(sheet));
  }

  return { node, draw, export_: { title: "images", size, paint } };
}

const isWithin = (distance, side) => distance >= 0 && distance < side;

/** Rows of the grid [class, tiles]; a tile is an image, or a support point while there are no images. */
function imageTiles(run, state) {
  const rows = new Map();
  const add = (label, tile) => (rows.has(label) ? rows.get(label).push(tile) : rows.set(label, [tile]));
  if (state.frame >= 0) {
    run.labels.forEach((label, row) => state.shows(label) && add(label, { label, row, position: run.indices[row] }));
  } else {
    for (const way of shownWays(run, state)) {
      const { label, points } = way;
      for (let j = 0; j < points; j++) add(label, { label, way, j, position: positionOf(run, way, j) });
    }
  }
  return [...rows].sort(([a], [b]) => a - b);
}

/** Where each tile is, how wide the classes' names are, and the height of all. */
function imageGrid(ctx, run, rows, width) {
  const names = Math.min(150, 12 + Math.max(10, ...rows.map(([label]) => ctx.measureText(run.classes[label]).width)));
  const most = Math.max(1, ...rows.map(([, own]) => own.length));
  const columns = Math.min(most, Math.max(1, Math.floor((width - names) / 24)));
  const lines = rows.reduce((sum, [, own]) => sum + Math.ceil(own.length / columns), 0);
  // All rows at once, unless that would make them tiny: who must scroll does not see that there are more.
  const tall = Math.max(48, Math.floor(SEEN / lines) - 2);
  const side = Math.min(72, tall, Math.floor((width - names) / columns) - 2);
  const placed = [];
  let y = 0;
  for (const [, own] of rows) {
    own.forEach((tile, i) => {
      const [column, line] = [i % columns, Math.floor(i / columns)];
      placed.push({ ...tile, x: names + column * (side + 2), y: y + 1 + line * (side + 2), side, first: i === 0 });
    });
    y += Math.ceil(own.length / columns) * (side + 2) + (columns < most ? 4 : 0);
  }
  return { placed, names, height: y + 2 };
}

/** All tiles first, then the frames around those that are picked or chosen: a neighbour would cover their rims. */
function paintTiles(ctx, run, state, ink, { placed, names }) {
  for (const cell of placed) {
    ctx.fillStyle = ink.text;
    if (cell.first) ctx.fillText(fitted(ctx, run.classes[cell.label], names - 8), 0, cell.y + cell.side / 2);
    if (cell.row !== undefined) run.stamp(ctx, state.frame, cell.row, cell.x, cell.y, cell.side);
    else run.stampReal(ctx, realOf(run, { kind: "support", ...cell }, state), cell.x, cell.y, cell.side);
    [ctx.strokeStyle, ctx.lineWidth] = [ink.line, 1];
    ctx.strokeRect(cell.x - 0.5, cell.y - 0.5, cell.side + 1, cell.side + 1); // black images on a black page
  }
  for (const cell of placed) {
    const frame = () => ctx.rect(cell.x + 1, cell.y + 1, cell.side - 2, cell.side - 2);
    if (cell.row !== undefined && state.picked.has(cell.row)) {
      ctx.beginPath();
      frame();
      [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
      ctx.stroke();
    }
    if (cell.position >= 0 && cell.position === state.selected) ring(ctx, ink, frame);
  }
}

function imagesText(run, state, cells) {
  const what = state.frame < 0 ? "real images nearest to support points" : "distilled images";
  const labels = new Set(cells.map((cell) => cell.label)).size;
  const chosen = state.row >= 0 ? `; framed: ${imageName(run, state.row)}.` : ".";
  const classes = `${labels} class${labels === 1 ? "" : "es"}`;
  return `${cells.length} ${what} of ${classes} at step ${state.number} (${state.phase})${chosen}`;
}

/** The list for keyboards: all that can be followed, class by class; made anew when there are more images. */
function imageList(run, act) {
  const select = h("select", { style: "max-width: 100%", onchange: () => act.select(Number(select.value)) });
  let listed = "";
  function offers() {
    const images = Array.from(run.labels, (label, row) => [label, run.indices[row], imageName(run, row)]);
    if (images.length) return images;
    return run.ways.flatMap((way) => Array.from({ length: way.points }, (_, j) =>
      [way.label, positionOf(run, way, j), supportName(run, { way, j })]));
  }
  function listAgain() {
    const groups = new Map();
    for (const [label, position, name] of offers().filter((offer) => offer[1] >= 0)) {
      if (!groups.has(label)) groups.set(label, h("optgroup", { label: `class ${run.classes[label]}` }));
      groups.get(label).append(h("option", { value: position }, name));
    }
    select.replaceChildren(h("option", { value: -1 }, "none"), ...groups.values());
  }
  return {
    node: h("label", { style: "max-width: 100%" }, "Follow ", select),
    draw(state) {
      const sign = `${run.labels.length}/${run.ways.length}/${state.frame < 0}`;
      if (sign !== listed) listAgain();
      listed = sign;
      select.value = state.selected;
    },
  };
}

/** Pages of classes, so that not more tiles are drawn at once than a hand can follow. */
function pager(changed) {
  let [page, pages] = [0, 1];
  const text = h("span", { class: "wdd-hint" });
  const go = (by) => () => {
    page = Math.max(0, Math.min(pages - 1, page + by));
    changed();
  };
  const before = button("◀", go(-1), { "aria-label": "classes before" });
  const next = button("▶", go(1), { "aria-label": "next classes" });
  const node = h("p", { class: "wdd-row", hidden: true }, before, next, text);
  return {
    node,
    cut(rows, most) {
      const cuts = [[]];
      let count = 0;
      for (const row of rows) {
        if (cuts.at(-1).length && count + row[1].length > most) {
          cuts.push([]);
          count = 0;
        }
        cuts.at(-1).push(row);
        count += row[1].length;
      }
      pages = cuts.length;
      page = Math.min(page, pages - 1);
      node.hidden = pages === 1;
      say(text, `page ${page + 1} of ${pages}: ${cuts[page].length} class${cuts[page].length === 1 ? "" : "es"}`);
      return cuts[page];
    },
  };
}
