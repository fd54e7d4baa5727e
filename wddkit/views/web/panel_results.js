// Results: accuracy beside its controls.

const SETS = { random: "random real images", nearest: "nearest real images", "whole real set": "the whole real set" };
const REGIMES = {
  hard: "hard: one class an image",
  soft: "soft: the teacher's probabilities, one set an image",
  views: "views: the teacher's probabilities of stored augmented views",
  online: "online: the teacher labels every augmented view as it is seen",
};
const setName = (result) => (result.control ? SETS[result.set] ?? result.set : `${result.set} (this run)`);

function accuracyText(result) {
  const half = result.low == null ? "" : ` ± ${((result.high - result.low) / 2).toFixed(1)}`;
  return `${result.accuracy.toFixed(1)}${half}`;
}

/** The panel of the results. */
function resultsPanel(run, act) {
  const title = h("h3", {}, "Accuracy on test images of students trained on each set, beside its controls");
  if (!run.results.length) {
    title.textContent = "Accuracy on test images";
    const none = h("p", { class: "wdd-none" }, noResults(run));
    return { node: h("section", { class: "wdd-panel" }, title, none), draw() {} };
  }
  const canvas = h("canvas", { class: "wdd-canvas", role: "img" });
  const distances = run.results.some((each) => each.w2_squared != null || each.w2_squared_heldout != null);
  const table = resultsTable(run.results, distances);
  const scrolled = { class: "wdd-scroll wdd-tabled", tabindex: "0", role: "region", "aria-label": "table of results" };
  const notes = resultsNotes(run, distances).map((note) => h("p", { class: "wdd-caption" }, note));
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  const node = h("section", { class: "wdd-panel" }, title, sheet, h("div", scrolled, table), ...notes);
  const size = () => 28 * run.results.length + 36;
  const paint = (ctx, state, ink, width) => paintAccuracy(ctx, run, ink, width, size());
  let drawn = "";
  function draw(state, ink) {
    const width = act.across(sheet);
    const key = [width, ink.text, ink.scale, window.devicePixelRatio].join();
    if (key === drawn) return; // the same at every step
    drawn = key;
    canvas.setAttribute("aria-label", paint(paper(canvas, width, size()), state, ink, width));
  }
  return { node, draw, export_: { title: "accuracy", size, paint } };
}

/** Why there is no accuracy. */
function noResults(run) {
  if (run.unasked) return "No protocol was asked for, so no students were trained: protocols=().";
  return lacking(run, "results", "Accuracy will appear here once students were trained on each set.");
}

function resultsTable(results, distances) {
  const heads = ["set", "labels", "accuracy, %", "students", "size"];
  if (distances) heads.push("W2², train", "W2², held-out");
  const rows = results.map((each) => {
    const cells = [each.labels ?? "–", accuracyText(each), each.students, bytesText(each.bytes)];
    if (distances) cells.push(short(each.w2_squared), short(each.w2_squared_heldout));
    const name = h("th", { scope: "row" }, setName(each));
    const named = cells.map((cell, i) => h("td", { "data-head": heads[i + 1] }, String(cell)));
    return h("tr", { class: each.control ? "" : "wdd-own" }, name, ...named);
  });
  const head = h("tr", {}, ...heads.map((name) => h("th", { scope: "col" }, name)));
  return h("table", { class: "wdd-results" }, h("thead", {}, head), h("tbody", {}, ...rows));
}

/** What the columns of the table mean, and how long the stages took. */
function resultsNotes(run, distances) {
  const regimes = [...new Set(run.results.map((each) => each.labels))].filter((labels) => REGIMES[labels]);
  const duration = (seconds) => `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const stages = Object.entries(run.seconds).map(([name, seconds]) => `${name} ${duration(seconds)}`);
  const notes = ["± is half the 95 % interval of the mean over students; it says nothing of another synthesis."];
  const online = "Size counts images and labels, and the teacher too where it labels online.";
  const measured = "W2²: squared Wasserstein distance of the set's features to the real ones, mean over classes.";
  if (regimes.length) notes.push(`Labels ${regimes.map((labels) => REGIMES[labels]).join("; ")}.`);
  if (regimes.includes("online")) notes.push(online);
  if (distances) notes.push(measured);
  if (stages.length) notes.push(`Time: ${stages.join(", ")}.`);
  return notes;
}

/** A bar to each mean, its 95 % interval as a bracket; from zero on, as lengths are compared. Returns text. */
function paintAccuracy(ctx, run, ink, width, height) {
  const [ROW, AXIS] = [28, 36];
  const several = new Set(run.results.map((each) => each.protocol)).size > 1;
  const names = run.results.map((each) => setName(each) + (several ? `, ${each.protocol}` : ""));
  const left = Math.min(width / 2, 8 + Math.max(...names.map((name) => ctx.measureText(name).width)));
  const right = width - 84;
  const x = (value) => left + ((right - left) * value) / 100;
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "center"];
  for (const value of ticks(0, 100, Math.min(5, (right - left) / 34))) {
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
  return `Test accuracy in percent, with half the 95 % interval: ${said.join("; ")}.`;
}
