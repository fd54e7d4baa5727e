// Results: accuracy beside its controls, and what was minimised.

const SETS = { random: "random real images", nearest: "nearest real images", "whole real set": "the whole real set" };
const REGIMES = {
  hard: "hard: one class an image",
  soft: "soft: the teacher's probabilities, one set an image",
  views: "views: the teacher's probabilities of stored augmented views",
  online: "online: the teacher labels every augmented view as it is seen",
};
const WORDS = {
  loss: "Loss: what is minimised",
  feature: "Feature term of the loss",
  statistics: "Statistics term of the loss",
  feature_gap: "Squared distance to support points",
  statistics_error: "Relative error of the statistics",
};

const setName = (result) => (result.control ? SETS[result.set] ?? result.set : `${result.set} (this run)`);

function accuracyText(result) {
  const half = result.low == null ? "" : ` ± ${((result.high - result.low) / 2).toFixed(1)}`;
  return `${result.accuracy.toFixed(1)}${half}`;
}

function resultsPanel(run) {
  const title = h("h3", {}, "Accuracy on test images of students trained on each set, beside its controls");
  if (!run.results.length) {
    const none = h("p", { class: "wdd-none" }, "This run recorded no results.");
    return { node: h("section", { class: "wdd-panel" }, title, none), draw() {} };
  }
  const canvas = h("canvas", { class: "wdd-canvas wdd-accuracy", role: "img" });
  const distances = run.results.some((each) => each.w2_squared != null || each.w2_squared_heldout != null);
  const heads = ["set", "labels", "accuracy, %", "students", "size"];
  if (distances) heads.push("W2², train", "W2², held-out");
  const rows = run.results.map((each) => {
    const cells = [each.labels ?? "–", accuracyText(each), each.students, bytesText(each.bytes)];
    if (distances) cells.push(short(each.w2_squared), short(each.w2_squared_heldout));
    const name = h("th", { scope: "row" }, setName(each));
    return h("tr", { class: each.control ? "" : "wdd-own" }, name, ...cells.map((cell) => h("td", {}, String(cell))));
  });
  const table = h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, ...rows),
  );
  const regimes = [...new Set(run.results.map((each) => each.labels))].filter((labels) => REGIMES[labels]);
  const duration = (seconds) => `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const stages = Object.entries(run.seconds).map(([name, seconds]) => `${name} ${duration(seconds)}`);
  const notes = ["± is half the 95 % interval of the mean over students; it says nothing of another synthesis."];
  if (regimes.length) notes.push(`Labels ${regimes.map((labels) => REGIMES[labels]).join("; ")}.`);
  const online = "Size counts images and labels, and the teacher too where it labels online.";
  const measured = "W2²: squared Wasserstein distance of the set's features to the real ones, mean over classes.";
  if (regimes.includes("online")) notes.push(online);
  if (distances) notes.push(measured);
  if (stages.length) notes.push(`Time: ${stages.join(", ")}.`);
  const node = h(
    "section",
    { class: "wdd-panel" },
    title,
    h("div", { class: "wdd-sheet" }, canvas),
    h("div", { class: "wdd-scroll", tabindex: "0", role: "region", "aria-label": "table of results" }, table),
    ...notes.map((note) => h("p", { class: "wdd-caption" }, note)),
  );
  const draw = (state, ink) => drawAccuracy(run, canvas, ink);
  return { node, draw };
}

/** A bar to each mean and the 95 % interval as a bracket over it; the axis begins at zero, as lengths are compared. */
function drawAccuracy(run, canvas, ink) {
  const [ROW, AXIS] = [28, 36];
  const width = canvas.parentElement.clientWidth;
  const height = ROW * run.results.length + AXIS;
  const ctx = paper(canvas, width, height);
  const several = new Set(run.results.map((each) => each.protocol)).size > 1;
  const names = run.results.map((each) => setName(each) + (several ? `, ${each.protocol}` : ""));
  const left = Math.min(width / 2, 8 + Math.max(...names.map((name) => ctx.measureText(name).width)));
  const right = width - 84;
  const x = (value) => left + ((right - left) * value) / 100;
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "center"];
  for (const value of ticks(0, 100, 5)) {
    ctx.strokeRect(Math.round(x(value)) + 0.5, 0, 0, height - AXIS);
    ctx.fillText(String(value), x(value), height - AXIS + 10);
  }
  ctx.fillText("accuracy on test images, %", (left + right) / 2, height - 7);
  run.results.forEach((result, i) => {
    const y = i * ROW + ROW / 2;
    ctx.globalAlpha = result.control ? 0.55 : 1;
    ctx.fillStyle = result.control ? ink.soft : ink.accent;
    ctx.fillRect(x(0), y - 8, x(result.accuracy) - x(0), 16);
    [ctx.globalAlpha, ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [1, ink.text, ink.text, 2];
    if (result.low != null) {
      const [a, b] = [x(Math.max(0, result.low)), x(Math.min(100, result.high))];
      ctx.beginPath();
      for (const [px, py, qx, qy] of [[a, y, b, y], [a, y - 5, a, y + 5], [b, y - 5, b, y + 5]]) {
        ctx.moveTo(px, py);
        ctx.lineTo(qx, qy);
      }
      ctx.stroke();
    }
    ctx.textAlign = "left";
    ctx.fillText(fitted(ctx, names[i], left - 6), 0, y);
    ctx.fillText(accuracyText(result), right + 8, y);
  });
  const said = run.results.map((result, i) => `${names[i]} ${accuracyText(result)}`);
  canvas.setAttribute("aria-label", `Test accuracy in percent, with half the 95 % interval: ${said.join("; ")}.`);
}

function curvesPanel(run, act) {
  const known = Object.keys(WORDS);
  const order = (name) => (known.includes(name) ? known.indexOf(name) : known.length);
  const names = Object.keys(run.scalars).sort((a, b) => order(a) - order(b));
  const sheets = names.map((name) => {
    const canvas = h("canvas", { class: "wdd-canvas", role: "img", onclick: (event) => click(event, canvas) });
    const now = h("span", { class: "wdd-value" });
    const title = h("h4", {}, WORDS[name] ?? name.replaceAll("_", " "), " ", now);
    const curve = h("div", { class: "wdd-curve" }, title, h("div", { class: "wdd-sheet" }, canvas));
    return { name, canvas, now, node: curve };
  });
  const caption = "Across: optimisation steps. The line marks this step; click to go to another.";
  const curves = h("div", { class: "wdd-curves" }, ...sheets.map((sheet) => sheet.node));
  const title = h("h3", {}, "What the images are optimised for, step by step");
  const body = names.length
    ? [curves, h("p", { class: "wdd-caption" }, caption)]
    : [h("p", { class: "wdd-none" }, "This run recorded no losses.")];
  const node = h("section", { class: "wdd-panel" }, title, ...body);
  const [LEFT, BOTTOM, HEIGHT] = [46, 20, 120];
  const last = Math.max(1, run.frames.at(-1).step);
  const across = (canvas, step) => LEFT + ((canvas.parentElement.clientWidth - LEFT - 14) * step) / last;

  function draw(state, ink) {
    for (const { name, canvas, now } of sheets) {
      const values = run.scalars[name];
      const width = canvas.parentElement.clientWidth;
      const ctx = paper(canvas, width, HEIGHT);
      const known = values.filter((value) => value != null);
      const [low, high] = [Math.min(0, ...known), Math.max(...known, Math.min(0, ...known) + 1e-12)];
      const y = (value) => 8 + ((HEIGHT - BOTTOM - 8) * (high - value)) / (high - low);
      [ctx.strokeStyle, ctx.fillStyle, ctx.textAlign, ctx.lineWidth] = [ink.line, ink.soft, "right", 1];
      for (const value of ticks(low, high, 3)) {
        ctx.strokeRect(LEFT, Math.round(y(value)) + 0.5, width - LEFT - 14, 0);
        ctx.fillText(short(value), LEFT - 5, y(value));
      }
      ctx.textAlign = "center";
      for (const step of ticks(0, last, 4)) ctx.fillText(String(step), across(canvas, step), HEIGHT - 7);
      ctx.beginPath();
      values.forEach((value, t) => value != null && ctx.lineTo(across(canvas, run.frames[t].step), y(value)));
      [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
      ctx.stroke();
      const [at, value] = [across(canvas, run.frames[state.step].step), values[state.step]];
      ctx.strokeStyle = ctx.fillStyle = ink.text;
      ctx.strokeRect(at, 4, 0, HEIGHT - BOTTOM - 4);
      if (value != null) mark(ctx, "dot", at, y(value), 5);
      now.textContent = short(value);
      const here = `${short(value)} at step ${run.frames[state.step].step}`;
      canvas.setAttribute("aria-label", `${WORDS[name] ?? name} by step; ${here}.`);
    }
  }

  function click(event, canvas) {
    const [x] = place(event);
    const gaps = run.frames.map((frame) => Math.abs(across(canvas, frame.step) - x));
    act.setStep(gaps.indexOf(Math.min(...gaps)));
  }

  return { node, draw };
}
