// What is chosen: its image through the run, the real images nearest to it, what the teacher says of it.

function chosenPanel(run, act) {
  const [CELL, LABEL] = [50, 16];
  const canvas = h("canvas", { class: "wdd-canvas wdd-strip", role: "img", onclick: click });
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  const none = h("p", { class: "wdd-none" }, "Click a disc, a square or an image: it is followed in every panel, through the whole run.");
  const said = h("p", { class: "wdd-said" });
  const near = h("canvas", { class: "wdd-canvas wdd-near", role: "img" });
  const bars = h("canvas", { class: "wdd-canvas wdd-soft", role: "img" });
  const nearTitle = h("h4", {});
  const nearSheet = h("div", {}, nearTitle, h("div", { class: "wdd-sheet" }, near));
  const softSheet = h("div", {}, h("h4", {}, "Soft label: what the teacher says of the final image, %"), h("div", { class: "wdd-sheet" }, bars));
  const title = h("h3", {}, "What is chosen");
  const node = h("section", { class: "wdd-panel" }, title, none, said, sheet, h("div", { class: "wdd-pair" }, nearSheet, softSheet));
  let columns = 1;

  const stripSize = (width) => Math.ceil(run.frames.length / Math.max(1, Math.floor(width / CELL))) * (CELL + LABEL);

  function paintStrip(ctx, state, ink, width) {
    columns = Math.max(1, Math.floor(width / CELL));
    ctx.textAlign = "center";
    run.frames.forEach((frame, t) => {
      const [x, y] = [(t % columns) * CELL, Math.floor(t / columns) * (CELL + LABEL)];
      run.stamp(ctx, t, state.row, x + 3, y + 3, CELL - 6);
      ctx.fillStyle = t === state.frame ? ink.text : ink.soft;
      ctx.fillText(String(frame.step), x + CELL / 2, y + CELL + LABEL / 2 - 2);
      if (t === state.frame) ring(ctx, ink, () => ctx.rect(x + 3, y + 3, CELL - 6, CELL - 6));
    });
  }

  function draw(state, ink) {
    const { row, support } = state;
    const nothing = row < 0 && !support;
    [none.hidden, said.hidden, sheet.hidden] = [!nothing, nothing, row < 0 || !run.frames.length];
    if (!sheet.hidden) {
      const width = act.across(sheet);
      paintStrip(paper(canvas, width, stripSize(width)), state, ink, width);
      const framed = state.frame >= 0 ? `framed: step ${run.frames[state.frame].step}.` : "";
      canvas.setAttribute("aria-label", `${imageName(run, row)} at ${run.frames.length} snapshots; ${framed}`);
    }
    drawNear(state, ink);
    drawSoft(state, ink);
    say(title, nothing ? "What is chosen" : row >= 0 ? `Chosen: ${imageName(run, row)}` : `Chosen: ${supportName(run, support)}`);
    say(said, chosenText(run, state));
  }

  function drawNear(state, ink) {
    const found = nearestTo(run, state);
    nearSheet.hidden = !found.list.length || !run.real.size;
    if (nearSheet.hidden) return;
    say(nearTitle, found.title);
    const width = act.across(near.parentElement);
    const row = Math.max(1, Math.floor(width / 48));
    const shown = found.list.slice(0, 3 * row);
    const ctx = paper(near, width, Math.ceil(shown.length / row) * 62);
    [ctx.textAlign, ctx.fillStyle] = ["center", ink.soft];
    shown.forEach((i, n) => {
      const [x, y] = [(n % row) * 48, Math.floor(n / row) * 62];
      run.stampReal(ctx, i, x + 2, y + 2, 44);
      ctx.fillText(fitted(ctx, run.classes[run.realLabels[i]], 46), x + 24, y + 54);
    });
    near.setAttribute("aria-label", `${found.title}: classes ${shown.map((i) => run.classes[run.realLabels[i]]).join(", ")}.`);
  }

  function drawSoft(state, ink) {
    softSheet.hidden = state.row < 0 || !run.soft.length;
    if (softSheet.hidden) return;
    const C = run.soft.length / run.labels.length;
    const soft = [...run.soft.subarray(state.row * C, (state.row + 1) * C)].map((share, label) => ({ share, label }));
    const top = soft.sort((a, b) => b.share - a.share).slice(0, 6);
    const width = act.across(bars.parentElement);
    const ctx = paper(bars, width, 20 * top.length);
    const names = Math.min(width / 2, 8 + Math.max(...top.map(({ label }) => ctx.measureText(run.classes[label]).width)));
    top.forEach(({ share, label }, i) => {
      const y = 20 * i + 10;
      ctx.fillStyle = ink.text;
      ctx.fillText(fitted(ctx, run.classes[label], names - 6), 0, y);
      ctx.fillText((100 * share).toFixed(1), width - 36, y);
      ctx.fillStyle = colourOf(label);
      ctx.fillRect(names, y - 6, Math.max(1, (width - names - 44) * share), 12);
    });
    bars.setAttribute("aria-label", `Soft label: ${top.map(({ share, label }) => `${run.classes[label]} ${(100 * share).toFixed(1)} %`).join(", ")}.`);
  }

  function click(event) {
    const [x, y] = place(event);
    const t = Math.floor(y / (CELL + LABEL)) * columns + Math.floor(x / CELL);
    if (x < columns * CELL && t < run.frames.length) act.setStep(run.barycenter_steps + t);
  }

  const paintAll = (ctx, state, ink, width) => state.row >= 0 && paintStrip(ctx, state, ink, width);
  return { node, draw, export_: { title: "film strip", size: stripSize, paint: paintAll, hidden: () => sheet.hidden } };
}

const supportName = (run, { way, j }) => `support point ${j + 1} of class ${run.classes[way.label]}`;

/** Real images to show beside what is chosen: those circled, those that a support point stands for, or the nearest. */
function nearestTo(run, state) {
  if (state.real.size) return { title: `Circled: ${state.real.size} real images`, list: [...state.real] };
  if (state.row >= 0 && state.frame >= 0) {
    const list = [...run.slice("nearest", state.frame, 5 * run.labels.length, "ints").subarray(5 * state.row, 5 * state.row + 5)];
    return { title: "The real images nearest to it at this step, in the teacher's features", list: list.filter((i) => i >= 0) };
  }
  if (!state.support) return { title: "", list: [] };
  return { title: "Real images that it stands for", list: partners(state, state.support).map(({ i }) => i) };
}

/** What is chosen, in a sentence with its numbers. */
function chosenText(run, state) {
  const parts = [];
  if (state.support) {
    const { way, j } = state.support;
    const t = Math.min(state.barycenter, way.steps - 1);
    const mass = way.masses[t * way.points + j];
    const own = partners(state, state.support).length;
    parts.push(`Its support point has mass ${short(mass)}: it stands for ${(100 * mass).toFixed(0)} % of class ${run.classes[way.label]}`);
    if (own) parts[0] += ` (${own} of the ${way.reals.length} real images drawn)`;
  }
  const gaps = state.frame >= 0 && state.row >= 0 ? run.slice("gap", state.frame, run.labels.length) : [];
  if (gaps.length) parts.push(`squared distance of the image's features to it: ${short(gaps[state.row])}`);
  return parts.length ? `${parts.join("; ")}.` : "";
}
