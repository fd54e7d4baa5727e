// The panels of the barycenter laboratory: steps, rules, shares of the support points; how all parts are put together.

/** What the value is called under these settings. */
function barycenterName({ data, cost, trim }, moved = false) {
  if (moved) return "cost of the old assignment";
  const name = `${data.length > 1 ? "mean " : ""}${GROUND_COSTS[cost].value}`;
  return trim ? `${name} of the nearest ${labPercent(1 - trim)}` : name;
}

/** The parts of the view, and how they are drawn. */
function barycenterParts(model, store, view, act) {
  const measures = model.get("data").length > 1 ? " to the first measure" : "";
  const adds = [["p0", `add a point${measures}`], ["s", "add a support point"]];
  const parts = {
    head: labHead("Barycenter laboratory", model, store, act.load),
    board: labBoard(act),
    points: labPoints(view, act, adds),
    value: barycenterValue(act),
    steps: stepControls(view, act),
    rules: barycenterRules(view, act),
    shares: shareList(act),
    quantiles: labQuantiles(),
    voice: labVoice(),
    cells: h("p", { class: "wdd-caption" }),
  };
  const { head, board, points, value, steps, rules, shares, quantiles, voice, cells } = parts;
  const title = h("h3", {}, "Small marks: data. Numbered discs: support points, which stand for them");
  const hint = h("p", { class: "wdd-hint" },
    "Drag anything. Double-click to add a point, Delete removes it. By keyboard: Tab to the points, arrow keys " +
      "to choose one (End: the last support point), Shift and arrow keys to move it (with Alt ten times as far), " +
      "n to add one.");
  const staircase = h("h3", {}, "Quantile functions: the barycenter's is a staircase (broken line)");
  parts.matching = h("div", { class: "wdd-matching" }, staircase, quantiles.node);
  const left = h("section", { class: "wdd-panel" }, title, board.node, cells, hint, points.node, parts.matching);
  value.node.append(steps.node);
  const right = h("div", { class: "wdd-column" }, value.curve, rules.node, shares.node);
  const nodes = [head.node, value.node, h("div", { class: "wdd-panels" }, left, right), voice.node];
  return { nodes, board, voice, draw: (scene, ink) => drawBarycenter(parts, scene, ink, act) };
}

function drawBarycenter(parts, scene, ink, act) {
  const { state, view, flat, assigned, support, pooled } = scene;
  parts.head.draw(state);
  parts.board.draw(barycenterBoard(scene), ink);
  const measure = view.chosen?.set === "s" ? { points: support } : state.data[Number(view.chosen?.set.slice(1))];
  parts.points.draw({ measure, flat });
  for (const part of [parts.value, parts.steps, parts.rules, parts.shares]) part.draw(scene, ink);
  say(parts.cells, scene.k ? `${cellText(scene)} Dotted: the way that each support point came.` : cellText(scene));
  parts.matching.hidden = !flat || !assigned.masses || state.data.length > 1;
  const data = { points: pooled, masses: labPooled(state).masses, colour: ink.soft, dash: [] };
  const staircase = { points: support, masses: Array.from(assigned.masses ?? []), colour: ink.accent, dash: [8, 5] };
  const names = ["the points", "the barycenter"];
  if (!parts.matching.hidden) parts.quantiles.draw({ sides: [data, staircase], frame: view.frame, names }, ink);
  const chosen = view.chosen ? act.describe(view.chosen) : "";
  // Not at every step of a drag: a screen reader would never come to an end.
  if (!parts.board.holding()) parts.voice.say(view.problem || `${barycenterSaid(scene)}. ${chosen}`);
}

function cellText({ state, moved, assigned }) {
  if (!assigned.plan) return "Nothing is assigned yet: press “step”.";
  if (moved)
    return "Arrows: each support point has moved to the best place for what it holds. Next, points are assigned anew.";
  if (state.data.length > 1)
    return "Lines: what each support point is given by the plans to the measures. Broken lines: shared points.";
  if (state.rule === "free")
    return "Coloured cells (Voronoi): every place goes to its nearest support point, however much mass that makes.";
  return "Coloured cells hold equal masses, by the plan's potentials. Broken lines: points on a border, shared.";
}

/** Forth and back by half steps, all the way, and starts anew. */
function stepControls(view, act) {
  const back = button("◀ back", () => act.go(view.half - 1));
  const next = button("step ▶", () => act.go(view.half + 1), { class: "wdd-main" });
  const run = button("run", act.run);
  const reset = button("to the start", () => act.go(0));
  const kinds = [
    ["spread", "spread out (k-means++)"],
    ["chance", "points by chance"],
    ["heap", "all in one place"],
    ["corner", "far off in a corner"],
  ];
  const kind = labSelect("Start", kinds, () => act.restart(kind.select.value));
  const anew = button("new start", () => act.restart(kind.select.value));
  const row = (...children) => h("div", { class: "wdd-row" }, ...children);
  const node = h("div", {}, row(reset, back, next, run), row(kind.node, anew));
  return {
    node,
    draw() {
      [back.disabled, reset.disabled, next.disabled] = [view.half === 0, view.half === 0, view.half >= view.last];
      const words = view.half >= view.last ? "at rest" : view.half % 2 ? "step: move ▶" : "step: assign ▶";
      say(next, words);
      const doing = view.running ? "pause" : "run to the end";
      say(run, doing);
    },
  };
}

function barycenterRules(view, act) {
  const kinds = [
    ["free", "free: each takes what is nearest (k-means)"],
    ["uniform", "equal: each takes the same mass"],
  ];
  const rule = labSelect("Masses", kinds, (value) => act.set({ rule: value }));
  const count = labSlider("Support points", { min: 1, max: 12 }, (m) => act.count(m));
  const cost = labCosts(act);
  const trim = labSlider("Trim", { max: 50 }, (percent) => act.set({ trim: percent / 100 }));
  const weights = h("div", {});
  let sliders = [];
  const node = h("section", { class: "wdd-panel wdd-rules" }, rule.node, count.node, cost.node, trim.node, weights);
  function weigh(k, share, all) {
    const rest = (1 - share) / (1 - all[k] || 1);
    act.set({
      weights: labNormal(
        all.map((each, l) => Math.max(0.01, l === k ? share : each * rest || (1 - share) / (all.length - 1))),
      ),
    });
  }
  return {
    node,
    draw({ state }) {
      const several = state.data.length > 1;
      rule.set(state.rule);
      rule.select.options[0].disabled = several; // nearest points are the best plan for one measure only
      const most = Math.max(12, state.start.length);
      if (Number(count.slider.max) !== most) count.slider.max = most;
      count.set(state.start.length, String(state.start.length));
      cost.set(state.cost);
      trim.set(Math.round(100 * state.trim), state.trim ? `the farthest ${labPercent(state.trim)}` : "nothing");
      if (sliders.length !== (several ? state.data.length : 0)) {
        sliders = several
          ? state.data.map((_, k) =>
              labSlider(`Weight of measure ${k + 1}`, { min: 1, max: 99 }, (w) => weigh(k, w / 100, view.weights)),
            )
          : [];
        weights.replaceChildren(...sliders.map((each) => each.node));
      }
      view.weights = state.weights;
      sliders.forEach((each, k) => each.set(Math.round(100 * state.weights[k]), labPercent(state.weights[k])));
    },
  };
}

/** The masses of the support points as bars; pointing at one shows what it holds. */
function shareList(act) {
  const list = h("ol", { class: "wdd-shares" });
  const node = h(
    "section",
    { class: "wdd-panel" },
    h("h3", {}, "Masses: how much each support point stands for"),
    list,
  );
  let rows = [];
  const row = (_, i) => {
    const [bar, text] = [h("span", { class: "wdd-share" }), h("span", {})];
    bar.style.background = colourOf(i);
    const item = h("li", {}, h("span", { class: "wdd-number" }, String(i + 1)), bar, text);
    item.addEventListener("pointerenter", () => act.point({ i }));
    item.addEventListener("pointerleave", () => act.point(null));
    return { item, bar, text };
  };
  return {
    node,
    draw({ assigned, support }) {
      if (rows.length !== support.length) {
        rows = support.map(row);
        list.replaceChildren(...rows.map((each) => each.item));
      }
      const most = assigned.masses ? Math.max(...assigned.masses) : 1;
      rows.forEach(({ bar, text }, i) => {
        const mass = assigned.masses?.[i] ?? 0;
        bar.style.width = `${(55 * mass) / most}%`;
        const said = assigned.masses ? labPercent(mass) : "–";
        say(text, said);
      });
    },
  };
}
