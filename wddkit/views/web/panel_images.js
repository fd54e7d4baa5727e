// Images: the distilled set at the moment, a row for each class; before there are images, what support points stand for.

const imageName = (run, row) => `image ${run.rank[row] + 1} of class ${run.classes[run.labels[row]]}`;
const MOST_TILES = 600; // drawn at once; more classes are paged

/** The ring of what is chosen: seen on every ground, and not by colour alone. */
function ring(ctx, ink, path) {
  for (const [style, width] of [[ink.back, 7], [ink.accent, 4]]) {
    ctx.beginPath();
    path();
    [ctx.strokeStyle, ctx.lineWidth] = [style, width];
    ctx.stroke();
  }
}

function imagesPanel(run, act) {
  const canvas = h("canvas", { class: "wdd-canvas wdd-images", role: "img", onclick: click, onpointermove: (event) => point(place(event)) });
  canvas.addEventListener("pointerleave", () => point(null));
  const tip = tooltip(run);
  const list = h("select", { style: "max-width: 100%", onchange: (event) => act.select(Number(event.target.value)) });
  const title = h("h3", {});
  const sheet = h("div", { class: "wdd-sheet wdd-tall wdd-pointed" }, canvas, tip.node);
  const page = pager(() => act.ask());
  const hint = h("span", { class: "wdd-hint" }, "or click an image; n and p go on and back");
  const node = h("section", { class: "wdd-panel" }, title, sheet, page.node, h("p", { class: "wdd-row" }, h("label", { style: "max-width: 100%" }, "Follow ", list), hint));
  let cells = [];
  let now = null;
  let listed = "";
  let over = null; // where the pointer rests

  /** Rows of the grid [class, tiles]; a tile is an image, or a support point while there are no images. */
  function tiles(state) {
    const rows = new Map();
    const add = (label, tile) => (rows.has(label) ? rows.get(label).push(tile) : rows.set(label, [tile]));
    if (state.frame >= 0) {
      run.labels.forEach((label, row) => state.shows(label) && add(label, { label, row, position: run.indices[row] }));
    } else {
      for (const way of run.ways.filter((each) => state.shows(each.label))) {
        for (let j = 0; j < way.points; j++) add(way.label, { label: way.label, way, j, position: positionOf(run, way, j) });
      }
    }
    return [...rows].sort(([a], [b]) => a - b);
  }

  function layout(ctx, state, width) {
    const all = tiles(state);
    const rows = page.cut(all, MOST_TILES);
    const names = Math.min(150, 12 + Math.max(10, ...rows.map(([label]) => ctx.measureText(run.classes[label]).width)));
    const most = Math.max(1, ...rows.map(([, own]) => own.length));
    const columns = Math.min(most, Math.max(1, Math.floor((width - names) / 24)));
    const side = Math.min(72, Math.floor((width - names) / columns) - 2);
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

  function paint(ctx, state, ink, width) {
    const { placed, names } = layout(ctx, state, width);
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
    return placed;
  }

  const ruler = document.createElement("canvas").getContext("2d");
  const size = (width, state) => layout(plain(ruler), state, width).height;

  function draw(state, ink) {
    const width = act.across(canvas.parentElement);
    cells = paint(paper(canvas, width, size(width, state)), state, ink, width);
    now = state;
    const early = state.frame < 0;
    const meaning = ["Each row is a class: its distilled images at this step", "No images yet: each cell is the real image nearest to its support point"];
    say(title, meaning[Number(early)]);
    listAgain(early);
    list.value = state.selected;
    const labels = new Set(cells.map((cell) => cell.label)).size;
    const chosen = state.row >= 0 ? `; framed: ${imageName(run, state.row)}.` : ".";
    canvas.setAttribute("aria-label", `${cells.length} ${early ? "real images nearest to support points" : "distilled images"} of ${labels} classes at step ${state.number} (${state.phase})${chosen}`);
    if (over) point(over); // another image may be there now, or its picture has come
  }

  /** The list for keyboards, made anew when there are more images. */
  function listAgain(early) {
    const sign = `${run.labels.length}/${run.ways.length}/${early}`;
    if (sign === listed) return;
    listed = sign;
    const groups = new Map();
    const offer = (label, position, name) => {
      if (position < 0) return;
      if (!groups.has(label)) groups.set(label, h("optgroup", { label: `class ${run.classes[label]}` }));
      groups.get(label).append(h("option", { value: position }, name));
    };
    if (run.labels.length) run.labels.forEach((label, row) => offer(label, run.indices[row], imageName(run, row)));
    else for (const way of run.ways) for (let j = 0; j < way.points; j++) offer(way.label, positionOf(run, way, j), `support point ${j + 1} of class ${run.classes[way.label]}`);
    list.replaceChildren(h("option", { value: -1 }, "none"), ...groups.values());
  }

  const cellAt = ([x, y]) => cells.find((cell) => x >= cell.x && x < cell.x + cell.side && y >= cell.y && y < cell.y + cell.side);

  function click(event) {
    const hit = cellAt(place(event));
    if (hit) act.select(hit.position === now.selected ? -1 : hit.position);
  }

  function point(at) {
    over = at;
    const hit = at && cellAt(at);
    if (!hit) return tip.hide();
    tip.show(hit.row !== undefined ? { kind: "image", row: hit.row } : { kind: "support", ...hit }, at, now, act.across(sheet));
  }

  return { node, draw, export_: { title: "images", size, paint } };
}

/** Pages of classes, so that not more tiles are drawn at once than a hand can follow. */
function pager(changed) {
  let [page, pages] = [0, 1];
  const text = h("span", { class: "wdd-hint" });
  const go = (by) => () => {
    page = Math.max(0, Math.min(pages - 1, page + by));
    changed();
  };
  const buttons = [h("button", { type: "button", "aria-label": "classes before", onclick: go(-1) }, "◀"), h("button", { type: "button", "aria-label": "next classes", onclick: go(1) }, "▶")];
  const node = h("p", { class: "wdd-row", hidden: true }, ...buttons, text);
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
      say(text, `page ${page + 1} of ${pages}: ${cuts[page].length} classes`);
      return cuts[page];
    },
  };
}
