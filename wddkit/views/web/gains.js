// Accuracies seed by seed, and the mean gain of the seeds that are looked at.

const [GAINS_ROW, GAINS_TOP, GAINS_AXIS] = [30, 26, 28]; // pixels: of a seed, above the first one, below the last one
const [GAINS_OWN, GAINS_RANDOM] = [COLOURS[4], COLOURS[3]];

function render({ model, el }) {
  const all = model.get("accuracies");
  const regimes = Object.keys(all);
  const count = all[regimes[0]][0].length;
  const change = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const choices = regimes.map((name) => button(name, () => change("labels", name)));
  const boxes = Array.from({ length: count }, (_, seed) =>
    h("input", { type: "checkbox", value: seed, onchange: () => toggle(seed) }),
  );
  const said = h("p", { class: "wdd-story", role: "status" });
  const pictures = [0, 1].map(() => h("canvas", { role: "img" }));
  const titles = [
    "Accuracy on test images, %: ■ distilled, ● random",
    "◆ Gain of each seed, and their mean, in points",
  ];
  const root = h("section", { class: "wdd wdd-gains", "aria-label": "gain seed by seed" },
    h("div", { class: "wdd-menu", role: "group", "aria-label": "labels" }, h("strong", {}, "Labels: "), ...choices),
    h("div", { class: "wdd-menu", role: "group", "aria-label": "seeds that count" },
      h("strong", {}, "Seeds that count: "),
      ...boxes.map((box, seed) => h("label", {}, box, ` seed ${seed}`)),
    ),
    h("div", { class: "wdd-readout" }, said),
    h("div", { class: "wdd-pair" },
      ...pictures.map((canvas, i) => h("div", { class: "wdd-panel" }, h("h4", {}, titles[i]), canvas)),
    ),
  );
  function toggle(seed) {
    const chosen = boxes.flatMap((box, i) => (box.checked ? [i] : []));
    if (chosen.length) change("seeds", chosen);
    else boxes[seed].checked = true; // of no seed there is nothing to say
  }
  const scales = gainsScales(all, model.get("quantiles"));
  const view = stage(root, model, (ink) => {
    const [labels, seeds] = [model.get("labels"), model.get("seeds")];
    const found = gainsOf(all[labels], seeds, model.get("quantiles"));
    choices.forEach((each, i) => each.setAttribute("aria-pressed", String(regimes[i] === labels)));
    boxes.forEach((box, seed) => (box.checked = seeds.includes(seed)));
    say(said, gainsText(labels, seeds, count, found));
    drawAccuracies(pictures[0], all[labels], seeds, scales.accuracy, ink);
    drawGains(pictures[1], all[labels], seeds, found, scales.gain, ink);
  });
  const listening = listen(model, [["change:labels", view.ask], ["change:seeds", view.ask]]);
  el.append(root);
  return () => {
    listening.close();
    view.close();
  };
}

/** Mean gain of these seeds, and half of its 95 % t-interval; null for one seed. */
function gainsOf([own, random], seeds, quantiles) {
  const gains = seeds.map((seed) => own[seed] - random[seed]);
  const n = gains.length;
  const mean = gains.reduce((sum, x) => sum + x, 0) / n;
  if (n < 2) return { mean, half: null };
  const variance = gains.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
  return { mean, half: quantiles[n - 2] * Math.sqrt(variance / n) };
}

const gainsSigned = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function gainsText(labels, seeds, count, { mean, half }) {
  const which = seeds.length === 1 ? `seed ${seeds[0]} alone` : `${seeds.length} of ${count} seeds`;
  const first = `Labels ${labels}, ${which}: gain over random images ${gainsSigned(mean)} points`;
  if (half === null) return `${first}. One seed has no interval: nobody knows how far another one would be.`;
  const [low, high] = [mean - half, mean + half];
  const zero = low <= 0 && high >= 0 ? "0 is inside: no gain is proved" : "0 is outside";
  return `${first}, 95 % interval ${gainsSigned(low)} to ${gainsSigned(high)}; ${zero}.`;
}

/** Ends of both axes, the same for every regime, so that regimes can be compared by eye. */
function gainsScales(all, quantiles) {
  const every = Object.values(all);
  const seeds = every[0][0].map((_, seed) => seed);
  const ends = every.flatMap((pair) => {
    const { mean, half } = gainsOf(pair, seeds, quantiles);
    return [0, mean - half, mean + half, ...pair[0].map((x, seed) => x - pair[1][seed])];
  });
  const room = ([low, high]) => [low - 0.06 * (high - low || 1), high + 0.06 * (high - low || 1)];
  const range = (values) => room([Math.min(...values), Math.max(...values)]);
  return { accuracy: range(every.flat(2)), gain: range(ends) };
}

/** A canvas with an axis below and a row for each seed; what places values on it. */
function gainsPaper(canvas, count, [low, high], ink, extra = 0) {
  const width = Math.max(220, across(canvas.parentElement) - 26);
  const bottom = GAINS_TOP + GAINS_ROW * (count + extra);
  const ctx = paper(canvas, width, bottom + GAINS_AXIS);
  const [left, right] = [62, width - 14];
  const x = (value) => left + ((value - low) / (high - low)) * (right - left);
  const y = (row) => GAINS_TOP + GAINS_ROW * (row + 0.5) - 8;
  ctx.textAlign = "center";
  for (const value of ticks(low, high, 5)) {
    ctx.strokeStyle = ink.line;
    gainsLine(ctx, x(value), GAINS_TOP - 14, x(value), bottom);
    ctx.fillStyle = ink.text;
    ctx.fillText(String(Number(value.toPrecision(6))).replace("-", "−"), x(value), bottom + 14);
  }
  ctx.textAlign = "right";
  return { ctx, x, y, left, right, bottom };
}

/** A straight line. */
function gainsLine(ctx, ax, ay, bx, by) {
  ctx.beginPath();
  ctx.moveTo(ax, ay);
  ctx.lineTo(bx, by);
  ctx.stroke();
}

/** A row's name; seeds that do not count are drawn thin and hollow. */
function gainsRow(ctx, seed, counts, y, ink) {
  ctx.fillStyle = counts ? ink.text : ink.soft;
  ctx.fillText(counts ? `seed ${seed}` : `(seed ${seed})`, 54, y);
  ctx.lineWidth = counts ? 2 : 1;
}

function gainsFill(ctx, counts, colour, ink) {
  [ctx.fillStyle, ctx.strokeStyle] = [counts ? colour : ink.back, colour];
  ctx.fill();
  ctx.stroke();
}

function drawAccuracies(canvas, [own, random], seeds, ends, ink) {
  const { ctx, x, y } = gainsPaper(canvas, own.length, ends, ink, 1);
  own.forEach((value, seed) => {
    const [counts, at] = [seeds.includes(seed), y(seed)];
    gainsRow(ctx, seed, counts, at, ink);
    ctx.strokeStyle = ink.soft;
    gainsLine(ctx, x(value), at, x(random[seed]), at);
    ctx.beginPath();
    ctx.arc(x(random[seed]), at, 6, 0, 2 * Math.PI);
    gainsFill(ctx, counts, GAINS_RANDOM, ink);
    ctx.beginPath();
    ctx.rect(x(value) - 6, at - 6, 12, 12);
    gainsFill(ctx, counts, GAINS_OWN, ink);
  });
  const told = own.map(
    (value, seed) => `seed ${seed}: distilled ${value.toFixed(1)}, random ${random[seed].toFixed(1)}`,
  );
  canvas.setAttribute("aria-label", `Accuracy in percent. ${told.join("; ")}.`);
}

function drawGains(canvas, [own, random], seeds, { mean, half }, ends, ink) {
  const { ctx, x, y, left, right, bottom } = gainsPaper(canvas, own.length, ends, ink, 1);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.text, 2];
  gainsLine(ctx, x(0), GAINS_TOP - 14, x(0), bottom);
  own.forEach((value, seed) => {
    const counts = seeds.includes(seed);
    gainsRow(ctx, seed, counts, y(seed), ink);
    gainsDiamond(ctx, x(value - random[seed]), y(seed), 7);
    gainsFill(ctx, counts, GAINS_OWN, ink);
  });
  const at = y(own.length);
  ctx.fillStyle = ink.text;
  ctx.fillText("mean", 54, at);
  [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 3];
  if (half !== null) gainsBar(ctx, [x(mean - half), x(mean + half)], at, [left, right]);
  gainsDiamond(ctx, x(mean), at, 9);
  ctx.fillStyle = ink.accent;
  ctx.fill();
  const bounds = half === null ? [] : [mean - half, mean + half].map(gainsSigned);
  const spread = half === null ? "no interval" : `95 % interval ${bounds.join(" to ")}`;
  canvas.setAttribute("aria-label", `Mean gain ${gainsSigned(mean)} points, ${spread}.`);
}

/** An interval; an end beyond the picture is an arrow, other ends have caps. */
function gainsBar(ctx, ends, y, [left, right]) {
  const [a, b] = ends.map((end) => Math.min(Math.max(end, left), right));
  gainsLine(ctx, a, y, b, y);
  [[a, ends[0] < left, 1], [b, ends[1] > right, -1]].forEach(([end, beyond, inward]) => {
    if (!beyond) return gainsLine(ctx, end, y - 7, end, y + 7);
    gainsLine(ctx, end, y, end + 8 * inward, y - 6);
    gainsLine(ctx, end, y, end + 8 * inward, y + 6);
  });
}

function gainsDiamond(ctx, x, y, r) {
  ctx.beginPath();
  for (const [dx, dy] of [[0, -r], [r, 0], [0, r], [-r, 0]]) ctx.lineTo(x + dx, y + dy);
  ctx.closePath();
}

export default { render };
