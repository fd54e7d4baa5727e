// Images: the distilled set at the moment, a row for each class, and one image through all snapshots.

const imageName = (run, row) => `image ${run.rank[row] + 1} of class ${run.classes[run.labels[row]]}`;

/** The ring of what is chosen: seen on every ground, and not by colour alone. */
function ring(ctx, ink, path) {
  for (const [style, width] of [[ink.back, 7], [ink.accent, 4]]) {
    ctx.beginPath();
    path();
    [ctx.strokeStyle, ctx.lineWidth] = [style, width];
    ctx.stroke();
  }
}

/** A function that draws one image of one frame, its pixels kept as they are. */
function stamp(run) {
  const { size, channels } = run.image;
  const tile = document.createElement("canvas");
  [tile.width, tile.height] = [size, size];
  const ctx = tile.getContext("2d");
  const pixels = ctx.createImageData(size, size);
  return (target, frame, row, x, y, side) => {
    let at = (frame * run.labels.length + row) * size * size * channels;
    for (let p = 0; p < 4 * size * size; p += 4) {
      for (let c = 0; c < 3; c++) pixels.data[p + c] = run.images[at + (channels === 3 ? c : 0)];
      pixels.data[p + 3] = 255;
      at += channels;
    }
    ctx.putImageData(pixels, 0, 0);
    target.imageSmoothingEnabled = false;
    target.drawImage(tile, x, y, side, side);
  };
}

function imagesPanel(run, act) {
  const put = stamp(run);
  const canvas = h("canvas", { class: "wdd-canvas wdd-images", role: "img", onclick: click });
  const none = h("option", { value: -1 }, "none");
  const list = h("select", { onchange: (event) => act.select(Number(event.target.value)) }, none);
  for (const label of run.present) {
    const rows = [...run.labels.keys()].filter((row) => run.labels[row] === label);
    const options = rows.map((row) => h("option", { value: row }, imageName(run, row)));
    if (rows.length) list.append(h("optgroup", { label: `class ${run.classes[label]}` }, ...options));
  }
  const hint = h("span", { class: "wdd-hint" }, "or click an image");
  const node = h(
    "section",
    { class: "wdd-panel" },
    h("h3", {}, "Each row is a class: its distilled images at this step"),
    h("div", { class: "wdd-sheet wdd-tall" }, canvas),
    h("p", { class: "wdd-row" }, h("label", {}, "Follow ", list), hint),
  );
  let cells = [];

  function draw(state, ink) {
    const width = canvas.parentElement.clientWidth;
    const rows = [...run.labels.keys()].filter((row) => state.shows(run.labels[row]));
    const labels = [...new Set(rows.map((row) => run.labels[row]))].sort((a, b) => a - b);
    const ctx = paper(canvas, width, 1);
    const names = Math.min(150, 12 + Math.max(...labels.map((label) => ctx.measureText(run.classes[label]).width), 10));
    const most = Math.max(...labels.map((label) => rows.filter((row) => run.labels[row] === label).length), 1);
    const columns = Math.min(most, Math.max(1, Math.floor((width - names) / 24)));
    const side = Math.min(72, Math.floor((width - names) / columns) - 2);
    cells = [];
    let y = 0;
    for (const label of labels) {
      const own = rows.filter((row) => run.labels[row] === label);
      own.forEach((row, i) => {
        const [column, line] = [i % columns, Math.floor(i / columns)];
        cells.push({ row, x: names + column * (side + 2), y: y + 1 + line * (side + 2), side });
      });
      y += Math.ceil(own.length / columns) * (side + 2) + (columns < most ? 4 : 0);
    }
    paper(canvas, width, y + 2);
    ctx.fillStyle = ink.text;
    for (const label of labels) {
      const first = cells.find((cell) => run.labels[cell.row] === label);
      ctx.fillText(fitted(ctx, run.classes[label], names - 8), 0, first.y + side / 2);
    }
    [ctx.strokeStyle, ctx.lineWidth] = [ink.line, 1];
    for (const cell of cells) {
      put(ctx, state.step, cell.row, cell.x, cell.y, cell.side);
      ctx.strokeRect(cell.x - 0.5, cell.y - 0.5, cell.side + 1, cell.side + 1); // black images on a black page
    }
    const chosen = cells.find((cell) => cell.row === state.row);
    if (chosen) ring(ctx, ink, () => ctx.rect(chosen.x + 1, chosen.y + 1, side - 2, side - 2));
    list.value = state.row;
    const frame = run.frames[state.step];
    canvas.setAttribute(
      "aria-label",
      `${cells.length} distilled images of ${labels.length} classes at step ${frame.step} (${frame.phase})` +
        (chosen ? `; framed: ${imageName(run, state.row)}.` : "."),
    );
  }

  function click(event) {
    const [x, y] = place(event);
    const hit = cells.find((cell) => x >= cell.x && x < cell.x + cell.side && y >= cell.y && y < cell.y + cell.side);
    if (hit) act.select(hit.row === act.row() ? -1 : hit.row);
  }

  return { node, draw };
}

/** One image through all snapshots; a click goes to that snapshot. */
function stripPanel(run, act) {
  const [CELL, LABEL] = [50, 16];
  const put = stamp(run);
  const canvas = h("canvas", { class: "wdd-canvas wdd-strip", role: "img", onclick: click });
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  const none = h("p", { class: "wdd-none" }, "Choose an image in the list, or click one, to see it at every snapshot.");
  const TITLE = "One image through all snapshots";
  const title = h("h3", {}, TITLE);
  const node = h("section", { class: "wdd-panel" }, title, sheet, none);
  let columns = 1;

  function draw(state, ink) {
    [sheet.hidden, none.hidden] = [state.row < 0, state.row >= 0];
    title.textContent = state.row < 0 ? TITLE : `How ${imageName(run, state.row)} changed, by step`;
    if (state.row < 0) return;
    const width = sheet.clientWidth;
    columns = Math.max(1, Math.floor(width / CELL));
    const ctx = paper(canvas, width, Math.ceil(run.frames.length / columns) * (CELL + LABEL));
    ctx.textAlign = "center";
    run.frames.forEach((frame, t) => {
      const [x, y] = [(t % columns) * CELL, Math.floor(t / columns) * (CELL + LABEL)];
      put(ctx, t, state.row, x + 3, y + 3, CELL - 6);
      ctx.fillStyle = t === state.step ? ink.text : ink.soft;
      ctx.fillText(String(frame.step), x + CELL / 2, y + CELL + LABEL / 2 - 2);
      if (t === state.step) ring(ctx, ink, () => ctx.rect(x + 3, y + 3, CELL - 6, CELL - 6));
    });
    const framed = `framed: step ${run.frames[state.step].step}.`;
    canvas.setAttribute("aria-label", `${imageName(run, state.row)} at ${run.frames.length} snapshots; ${framed}`);
  }

  function click(event) {
    const [x, y] = place(event);
    const t = Math.floor(y / (CELL + LABEL)) * columns + Math.floor(x / CELL);
    if (x < columns * CELL && t < run.frames.length) act.setStep(t);
  }

  return { node, draw };
}
