// The transport laboratory: two measures whose points one moves, and the plan between them as lines and as a matrix.

const LAB_TRANSPORT = ["sides", "cost", "reg", "relax", "mass", "lesson"];
const LAB_REG = labDecades(0.001, 100);
const LAB_RELAX = labDecades(0.01, 100);
const LAB_HEIGHTS = { a: [3, 2.6, 3.4], b: [1, 1.4, 0.6] }; // of points that come from a line into the plane
const LAB_ROWS = { a: 118, b: 196 }; // pixels from the top, of the two lines

function render({ model, el }) {
  const view = { chosen: null, pointed: null, frame: null, solved: null, entries: [], problem: "", side: "a" };
  let host = null;
  const store = labStore(model, LAB_TRANSPORT, (outside) => {
    view.solved = null;
    if (outside) [view.frame, view.chosen] = [null, null];
    host?.ask();
  });
  const act = transportActions(store, view, () => host.ask());
  const parts = transportParts(model, store, view, act);
  const root = h("div", { class: "wdd wdd-lab", role: "region", "aria-label": "transport laboratory" }, ...parts.nodes);
  el.append(root);
  act.focus = parts.board.focus;
  host = labHost(root, model, store, (ink) => {
    const scene = transportScene(store.state, view, labInks(root));
    parts.draw(scene, ink);
  });
  return () => {
    host.close();
    store.close();
    parts.voice.close();
  };
}

/** Everything that one can do to the two measures. */
function transportActions(store, view, ask) {
  const side = (key) => store.state.sides[key];
  const put = (key, measure) => store.change({ sides: { ...store.state.sides, [key]: measure } });
  const all = () => [...side("a").points, ...side("b").points];
  const act = labEditing(store, view, ask, { measure: side, put, limit: () => LAB_MOST, all });
  const afresh = (patch) => {
    [view.frame, view.pointed] = [null, null];
    store.change(patch);
    store.settle();
  };
  return Object.assign(act, {
    equal: () => afresh({ sides: { a: labEqual(side("a")), b: labEqual(side("b")) } }),
    dimension(count) {
      if (side("a").points[0].length === count) return;
      const turn = (key) => (count === 1 ? labOnLine(side(key)) : labInPlane(side(key), LAB_HEIGHTS[key]));
      afresh({ sides: { a: turn("a"), b: turn("b") } });
    },
    load({ name, state }) {
      view.chosen = null;
      afresh({ ...structuredClone(state), lesson: name });
    },
    pointed: () => view.pointed,
    point(pointed) {
      view.pointed = pointed;
      ask();
    },
    hover(x, y) {
      const found = x === null ? null : labLineAt(view.entries, view.ends, x, y);
      const same = found?.i === view.pointed?.i && found?.j === view.pointed?.j;
      if (!same) act.point(found && { i: found.i, j: found.j });
    },
    // On a line, a double click above the middle of the two lines is for a.
    setAt: (y) => (side("a").points[0].length === 2 ? view.side : y < (LAB_ROWS.a + LAB_ROWS.b) / 2 ? "a" : "b"),
    describe({ set, index }) {
      const { points, masses } = side(set);
      return `${set}${index + 1} at ${labPlace(points[index])}, mass ${labShort(masses[index])}`;
    },
  });
}

/** The plan for a state, kept until the state changes; the last one that there was, where there is none now. */
function transportSolved(state, view) {
  const { sides, cost, reg, relax, mass } = state;
  if (view.solved) return view.solved;
  try {
    const near = view.last?.reg === reg && view.last.relax === relax && view.last.cost === cost ? view.last.plan : null;
    const plan = transport(sides.a, sides.b, { cost, reg, relax, mass, near });
    const exact = reg === null && mass === 1 ? plan : transport(sides.a, sides.b, { cost });
    view.last = { reg, relax, cost, plan };
    view.problem = "";
    view.solved = { ...plan, exact: exact.value, spread: spreadCost(plan, sides.a, sides.b) };
  } catch (error) {
    const [m, n] = [sides.a.points.length, sides.b.points.length];
    view.problem = error.message;
    view.solved = {
      plan: new Float64Array(m * n),
      costs: new Float64Array(m * n),
      value: NaN,
      exact: NaN,
      spread: NaN,
    };
    Object.assign(view.solved, { u: new Float64Array(m), v: new Float64Array(n) });
  }
  view.entries = labEntries(view.solved.plan, sides.b.points.length);
  return view.solved;
}

/** Everything that the parts draw, worked out once a picture. */
function transportScene(state, view, ink) {
  const solved = transportSolved(state, view);
  const { a, b } = state.sides;
  const flat = a.points[0].length === 1;
  const outside = (x) => x.some((each, k) => each < view.frame.low[k] || each > view.frame.high[k]);
  if (!view.frame || [...a.points, ...b.points].some(outside)) view.frame = labFrame([a.points, b.points]);
  const sums = marginals(solved.plan, a.points.length, b.points.length);
  const side = (key, measure, carried) => ({ key, ...measure, carried, row: flat ? LAB_ROWS[key] : undefined });
  const sides = [side("a", a, sums.rows), side("b", b, sums.columns)];
  if (view.pointed?.i >= a.points.length || view.pointed?.j >= b.points.length) view.pointed = null;
  const said = transportSaid(state, solved);
  return { state, view, solved, flat, sides, ink, said, carried: sums.rows.reduce((sum, each) => sum + each, 0) };
}

function transportSaid({ sides, ...state }, solved) {
  const [m, n] = [sides.a.points.length, sides.b.points.length];
  const most = solved.plan.reduce((best, mass, at) => (mass > solved.plan[best] ? at : best), 0);
  const heaviest = `a${Math.floor(most / n) + 1} to b${(most % n) + 1} carries ${labShort(solved.plan[most])}`;
  const value = `${valueName({ sides, ...state })} ${labShort(solved.value)}`;
  return `${m} points a and ${n} points b; ${value}; most: ${heaviest}`;
}

/** The parts of the view, and how they are drawn. */
function transportParts(model, store, view, act) {
  const adds = [["a", "add blue a"], ["b", "add orange b"]];
  const parts = {
    head: labHead("Transport laboratory", model, store, act.load),
    board: labBoard(act),
    points: labPoints(view, act, adds),
    rules: ruleControls(act),
    value: valuePanel(),
    matrix: labMatrix(act),
    quantiles: labQuantiles(),
    voice: labVoice(),
    title: h("h3", {}),
  };
  const { head, board, points, rules, value, matrix, quantiles, voice, title } = parts;
  const same = h("h3", {}, "Quantile functions: what is at the same share of the mass belongs together");
  parts.matching = h("div", { class: "wdd-matching" }, same, quantiles.node);
  const hint = h("p", { class: "wdd-hint" },
    "Drag a point. Double-click to add one, Delete removes it. By keyboard: Tab to the points, arrow keys to choose " +
      "one, Shift and arrow keys to move it (with Alt ten times as far), n to add one.");
  const left = h("section", { class: "wdd-panel" }, title, board.node, hint, points.node, parts.matching);
  const named = h("h3", {}, "The plan: how much goes from which a to which b");
  const plan = h("section", { class: "wdd-panel" }, named, matrix.node, matrixCaption());
  const right = h("div", { class: "wdd-column" }, rules.node, plan);
  const nodes = [head.node, value.node, h("div", { class: "wdd-panels" }, left, right), voice.node];
  return { nodes, board, voice, draw: (scene, ink) => drawTransport(parts, scene, ink, act) };
}

function drawTransport(parts, scene, ink, act) {
  const { state, solved, view, flat, said, sides: [a, b] } = scene;
  parts.head.draw(state);
  say(parts.title, `Blue mass a moves to orange places b${flat ? ", on a line" : ""}`);
  parts.board.draw(transportBoard(scene), ink);
  parts.matrix.draw({ ...solved, a, b, ink: scene.ink, pointed: view.pointed, said }, ink);
  parts.matching.hidden = !flat;
  const blue = { ...state.sides.a, colour: scene.ink.a, dash: [] };
  const orange = { ...state.sides.b, colour: scene.ink.b, dash: [7, 5] };
  if (flat) parts.quantiles.draw({ sides: [blue, orange], frame: view.frame, names: ["a", "b"] }, ink);
  parts.points.draw({ measure: view.chosen && state.sides[view.chosen.set], flat });
  parts.rules.draw(state);
  parts.value.draw(scene);
  const chosen = view.chosen ? act.describe(view.chosen) : "";
  // Not at every step of a drag: a screen reader would never come to an end.
  if (!parts.board.holding()) parts.voice.say(view.problem || `${said}. ${chosen}`);
}

/** What the board shows: the lines of the plan under the points. */
function transportBoard({ state, view, sides, flat, ink: colours, said }) {
  const sets = sides.map((side) => ({ ...side, name: side.key }));
  return {
    frame: view.frame,
    sets,
    height: 312,
    said: `Board with ${said}`,
    paint(ctx, scale, ink) {
      const [a, b] = sides;
      if (state.cost === "cosine" && !flat) paintRays(ctx, sides, scale, ink);
      view.ends = ({ i, j }) => [scale.pixels(a.points[i], a.row), scale.pixels(b.points[j], b.row)];
      paintLines(ctx, view.entries, view.ends, colours.plan);
      const { i, j } = view.pointed ?? {};
      const pointed = view.entries.filter(
        (entry) => (i === undefined || entry.i === i) && (j === undefined || entry.j === j),
      );
      if (view.pointed) paintLines(ctx, pointed, view.ends, ink.accent);
      const heaviest = Math.max(...a.masses, ...b.masses);
      sides.forEach((side) => {
        const colour = colours[side.key];
        const chosen = view.chosen?.set === side.key ? view.chosen.index : -1;
        if (flat) paintStems(ctx, side, scale, { colour, tallest: 84, heaviest });
        paintSide(ctx, side, scale, { ink, colour, chosen });
      });
    },
  };
}

/** From the origin to each point: the cosine cost feels the angles between these alone. */
function paintRays(ctx, sides, { pixels }, ink) {
  [ctx.strokeStyle, ctx.lineWidth] = [ink.soft, 1];
  ctx.setLineDash([2, 4]);
  for (const x of sides.flatMap(({ points }) => points)) {
    ctx.beginPath();
    for (const end of [[0, 0], x]) ctx.lineTo(...pixels(end));
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

export default { render };
