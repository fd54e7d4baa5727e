// The value of the barycenter laboratory: in large digits, in words, and as a curve on its way down.

/** The value in large digits, beside that of other starts, and its way down. */
function barycenterValue(act) {
  const [name, digits] = [h("span", { class: "wdd-what" }), h("output", { class: "wdd-digits" })];
  const [status, best] = [h("p", { class: "wdd-caption" }), h("span", {})];
  const show = button("take that start", act.showBest);
  const canvas = h("canvas", { class: "wdd-canvas wdd-descent", role: "img" });
  const sheet = h("div", { class: "wdd-sheet" }, canvas);
  let places = [];
  canvas.addEventListener("click", (event) => {
    const [x] = place(event);
    const gaps = places.map((each) => Math.abs(each - x));
    if (places.length) act.go(gaps.indexOf(Math.min(...gaps)) + 1);
  });
  const row = h("div", { class: "wdd-row" }, best, show);
  const node = h(
    "section",
    { class: "wdd-panel wdd-result" },
    h("div", {}, h("p", { class: "wdd-sum" }, name, " = ", digits), status),
  );
  const curve = h("section", { class: "wdd-panel" }, h("h3", {}, "The value on its way down"), sheet, row);
  return {
    node,
    curve,
    draw(scene, ink) {
      const { state, view, value, steps } = scene;
      const found = view.best?.count >= LAB_TRIES ? view.best : null;
      say(name, barycenterName(state, scene.moved && value !== null));
      say(digits, value === null ? "–" : labDigits(value));
      status.classList.toggle("wdd-problem", Boolean(view.problem));
      say(status, view.problem || statusText(scene));
      say(
        best,
        found ? bestText(found, steps) : `trying ${LAB_TRIES} starts …`,
      );
      show.disabled = !found;
      places = paintDescent(canvas, across(sheet), { steps, view, state, best: found?.value ?? null }, ink);
    },
  };
}

/** What other starts came to; that this one beats them is said, as its end lies below their line. */
function bestText(found, steps) {
  const [best, end] = [`best of ${LAB_TRIES} starts (broken line): ${labDigits(found.value)}`, steps.at(-1)?.value];
  return end < (1 - 1e-6) * found.value ? `${best}. This start does better: it ends at ${labDigits(end)}` : best;
}

function statusText({ view, k, moved, assigned, steps, state }) {
  const empty = assigned.masses ? Array.from(assigned.masses.keys()).filter((i) => !assigned.masses[i]) : [];
  const idle = empty.length ? ` Support point ${empty.map((i) => i + 1).join(", ")} is given nothing` : "";
  if (view.half === 0) {
    return `Start: nothing is assigned yet. After ${steps.length - 1} steps from here nothing will move any more.`;
  }
  if (moved) {
    const away = idle && `${idle}: it goes to the point that costs most.`;
    return `To step ${k}, move: every support point goes to the best place for what it was given.${away}`;
  }
  const how = state.rule === "free" ? "its nearest support point" : "support points of equal mass, by the exact plan";
  const end = view.half === view.last ? " Nothing moves any more: a local minimum." : "";
  return `Step ${k}, assign: every point goes to ${how}.${idle && `${idle}.`}${end}`;
}

/** The value after every half step; returns where those are, for clicks. */
function paintDescent(canvas, width, { steps, view, state, best }, ink) {
  const height = 130;
  const ctx = paper(canvas, width, height);
  const values = descentOf(steps, state, view);
  if (!values.length) return [];
  const high = 1.08 * Math.max(...values, best ?? 0) || 1;
  const levels = ticks(0, high, 3);
  const left = Math.max(46, labGutter(labTicks(levels)));
  const x = (half) => left + ((width - 18 - left) * half) / Math.max(1, values.length - 1);
  const y = (value) => height - 24 - ((height - 36) * value) / high;
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth, ctx.textAlign] = [ink.line, ink.soft, 1, "right"];
  levels.forEach((value, at) => {
    ctx.strokeRect(left, Math.round(y(value)) + 0.5, width - 18 - left, 0);
    ctx.fillText(labTicks(levels)[at], left - 6, y(value));
  });
  ctx.textAlign = "center";
  for (const k of ticks(0, steps.length - 1, 6))
    if (Number.isInteger(k)) ctx.fillText(`step ${k}`, Math.max(left + 14, Math.min(width - 24, x(2 * k))), height - 9);
  if (best !== null) {
    ctx.setLineDash([6, 4]);
    [ctx.strokeStyle, ctx.lineWidth] = [ink.accent, 2];
    ctx.beginPath();
    for (const end of [left, width - 18]) ctx.lineTo(end, y(best));
    ctx.stroke();
    ctx.setLineDash([]);
  }
  [ctx.strokeStyle, ctx.fillStyle, ctx.lineWidth] = [ink.text, ink.text, 2];
  ctx.beginPath();
  values.forEach((value, half) => ctx.lineTo(x(half), y(value)));
  ctx.stroke();
  values.forEach((value, half) => half % 2 === 0 && mark(ctx, "dot", x(half), y(value), 4));
  if (view.half > 0) mark(ctx, "diamond", x(view.half - 1), y(values[view.half - 1]), 7);
  const said = values
    .filter((_, half) => half % 2 === 0)
    .map(labDigits)
    .join(", ");
  canvas.setAttribute(
    "aria-label",
    `Value after each step: ${said}${best === null ? "" : `; best of other starts: ${labDigits(best)}`}.`,
  );
  return values.map((_, half) => x(half));
}

/** The values after half steps 1, 2, 3, ... */
function descentOf(steps, state, view) {
  if (view.descent?.of === steps) return view.descent.values;
  const pooled = state.data.flatMap((each) => each.points);
  const values = steps.flatMap(({ value, plan, next }, k) =>
    k === steps.length - 1 ? [value] : [value, dot(plan, costMatrix(next, pooled, state.cost))],
  );
  view.descent = { of: steps, values };
  return values;
}
