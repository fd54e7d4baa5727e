// The barycenter laboratory: points, the support points that stand for them, and Lloyd's steps from one to the next.
//
// Half steps: 0 is the start; an odd half step 2k + 1 has assigned the points to the support of step k; the even one
// after it has moved every support point to the best place for what it was given.

const LAB_BARYCENTER = ["data", "weights", "start", "rule", "cost", "trim", "lesson"];
const LAB_RUN = 600; // milliseconds a half step when it runs
const LAB_CREEP = 1e-7; // of the largest coordinate: no picture shows such a move
const LAB_TRIES = 20; // starts of which the best value is shown
const LAB_SUPPORT = 40; // support points at most

function render({ model, el }) {
  const halfOf = (step) => (step ? 2 * step + 1 : 0);
  const view = { half: halfOf(model.get("step")), chosen: null, pointed: null, frame: null, solved: null, cells: {} };
  Object.assign(view, { best: null, running: 0, trying: 0, telling: 0, under: () => null });
  let host = null;
  const store = labStore(model, LAB_BARYCENTER, (outside) => {
    view.solved = null;
    if (outside) [view.frame, view.chosen] = [null, null];
    host?.ask();
  });
  view.support = () => barycenterScene(store.state, view).support;
  const act = barycenterActions(store, view, model, () => host.ask());
  const parts = barycenterParts(model, store, view, act);
  const root = h(
    "div",
    { class: "wdd wdd-lab", role: "region", "aria-label": "barycenter laboratory" },
    ...parts.nodes,
  );
  el.append(root);
  act.focus = parts.board.focus;
  view.holding = parts.board.holding;
  host = labHost(root, model, store, (ink) => {
    const scene = barycenterScene(store.state, view);
    tryStarts(store.state, view, host.ask);
    parts.draw(scene, ink);
  });
  const stepped = () => {
    if (Math.floor(view.half / 2) !== model.get("step")) host.ask((view.half = halfOf(model.get("step"))));
  };
  model.on("change:step", stepped);
  return () => {
    act.stop();
    clearTimeout(view.trying);
    clearTimeout(view.telling);
    model.off("change:step", stepped);
    host.close();
    store.close();
    parts.voice.close();
  };
}

/** Lloyd's steps for a state, kept until it changes. The half step shown stays, at the end if it was there. */
function barycenterSolved(state, view) {
  if (view.solved) return view.solved;
  const atEnd = view.last !== undefined && view.half === view.last && view.half > 1;
  try {
    const points = new Set(state.data.flatMap((each) => each.points).map(String));
    if (state.rule === "free" && points.size < state.start.length) {
      throw new Error(
        `free masses need as many different points as support points: ${state.start.length}, not ${points.size}`,
      );
    }
    const { data: measures, weights, rule: masses, cost, trim, start } = state;
    view.problem = "";
    view.solved = visibleSteps({ measures, weights, masses, cost, trim, start });
  } catch (error) {
    view.problem = error.message;
    view.solved = [];
  }
  view.last = Math.max(0, 2 * view.solved.length - 1);
  view.half = atEnd ? view.last : Math.min(view.half, view.last);
  return view.solved;
}

/** Lloyd's steps as far as one can see them: under the plain distance, the last ones may creep for ever. */
function visibleSteps(problem) {
  const steps = [];
  const scale = Math.max(
    ...problem.start.flat().map(Math.abs),
    ...problem.measures.flatMap((each) => each.points.flat().map(Math.abs)),
  );
  for (const step of lloydSteps(problem)) {
    steps.push(step);
    if (step.next.every((y, i) => Math.sqrt(squaredDistance(y, step.support[i])) <= LAB_CREEP * scale)) break;
  }
  return steps;
}

/** Everything that the parts draw, worked out once a picture. */
function barycenterScene(state, view) {
  const steps = barycenterSolved(state, view);
  const [k, moved] = [Math.floor(view.half / 2), view.half % 2 === 0];
  const plain = { support: state.start, masses: null, plan: null, value: null };
  const assigned = steps[moved ? k - 1 : k] ?? plain;
  // Steps are computed around the mean: the start is as it was given, to the last digit.
  const support = k === 0 ? state.start : moved ? assigned.next : assigned.support;
  const pooled = state.data.flatMap((each) => each.points);
  const flat = pooled[0].length === 1;
  const outside = (x) => x.some((each, axis) => each < view.frame.low[axis] || each > view.frame.high[axis]);
  if (!view.frame || [...pooled, ...support].some(outside)) view.frame = labFrame([pooled, state.start]);
  const value = assigned.plan && moved ? dot(assigned.plan, costMatrix(support, pooled, state.cost)) : assigned.value;
  const owner = pooled.map((_, j) => ownerOf(assigned, j, pooled.length));
  return { state, view, steps, k, moved, assigned, support, pooled, flat, value, owner };
}

/** The support point that takes most of a point's mass, and whether others take some too; -1: nobody. */
function ownerOf({ plan, support }, j, n) {
  let [best, takers] = [-1, 0];
  for (let i = 0; plan && i < support.length; i++) {
    if (!plan[i * n + j]) continue;
    takers++;
    if (best < 0 || plan[i * n + j] > plan[best * n + j]) best = i;
  }
  return { best, split: takers > 1 };
}

/** Everything that one can do to the points and to the support. */
function barycenterActions(store, view, model, ask) {
  const measure = (set) =>
    set === "s" ? { points: view.support(), masses: null } : store.state.data[Number(set.slice(1))];
  const put = (set, changed) => {
    if (set === "s") act.begin(changed.points, 1);
    else store.change({ data: store.state.data.map((each, k) => (`p${k}` === set ? changed : each)) });
  };
  const limit = (set) => (set === "s" ? LAB_SUPPORT : LAB_MOST);
  const all = () => [...store.state.data.flatMap((each) => each.points), ...view.support()];
  const act = labEditing(store, view, ask, { measure, put, limit, all });
  return Object.assign(
    act,
    stepActions(view, model, ask),
    startActions(store, view, () => act),
    {
      point(pointed) {
        if (JSON.stringify(view.pointed ?? null) === JSON.stringify(pointed)) return;
        view.pointed = pointed;
        ask();
      },
      hover: (x, y) => act.point(x === null ? null : view.under(x, y)),
      setAt: () => (view.chosen?.set.startsWith("p") ? view.chosen.set : "p0"),
      describe({ set, index }) {
        const { points, masses } = measure(set);
        if (set === "s") return `support point ${index + 1} at ${labPlace(points[index])}`;
        const whose = store.state.data.length > 1 ? ` of measure ${Number(set.slice(1)) + 1}` : "";
        return `point ${index + 1}${whose} at ${labPlace(points[index])}, mass ${labShort(masses[index])}`;
      },
    },
  );
}

/** What begins anew: other points, another start. */
function startActions(store, view, act) {
  const settled = (patch) => {
    store.change(patch);
    store.settle();
  };
  /** A new start, from which nothing has happened yet (half step 0), or the first assignment has (1). */
  function begin(start, half) {
    act().stop();
    store.change({ start });
    act().goTo(half);
  }
  return {
    begin,
    equal: () => settled({ data: store.state.data.map(labEqual) }),
    dimension(count) {
      const { data, start } = store.state;
      if (start[0].length === count) return;
      const turn = (each, heights) => (count === 1 ? labOnLine(each) : labInPlane(each, heights));
      view.frame = null;
      begin(turn({ points: start }, [2, 2.3, 1.7]).points, 0);
      settled({ data: data.map((each, k) => turn(each, [2.6 - k, 1.2, 3.2, 2, 1.6, 2.9])) });
    },
    load({ name, state }) {
      [view.frame, view.chosen, view.last] = [null, null, undefined];
      const { step, ...situation } = structuredClone(state);
      begin(situation.start, 2 * step);
      settled({ ...situation, lesson: name });
    },
    count(m) {
      const more = spreadStart(labPooled(store.state), m, store.state.cost, draws(m));
      begin([...view.support(), ...more.slice(view.support().length)].slice(0, m), 1);
      store.settleSoon();
    },
    restart(kind) {
      view.seed = (view.seed ?? 0) + 1;
      begin(startOf(kind, store.state, view), 0);
      store.settle();
    },
    showBest() {
      begin(structuredClone(view.best.start), 0);
      store.settle();
    },
  };
}

/** Going through the steps: nothing to undo, but the kernel is told where it rests. */
function stepActions(view, model, ask) {
  const act = {
    stop: () => (view.running = clearInterval(view.running) ?? 0),
    goTo(half) {
      view.half = Math.max(0, half);
      clearTimeout(view.telling);
      view.telling = setTimeout(act.tell, LAB_REST);
      ask();
    },
    tell() {
      const step = Math.floor(view.half / 2);
      if (view.holding()) view.telling = setTimeout(act.tell, LAB_REST);
      else if (model.get("step") !== step) {
        model.set("step", step);
        model.save_changes();
      }
    },
    go(half) {
      act.stop();
      act.goTo(Math.min(half, view.last));
    },
    run() {
      if (view.running) return void ask(act.stop());
      if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) return act.goTo(view.last);
      if (view.half >= view.last) act.goTo(0);
      view.running = setInterval(() => {
        if (view.half + 1 >= view.last) act.stop();
        act.goTo(Math.min(view.half + 1, view.last));
      }, LAB_RUN);
      ask();
    },
  };
  return act;
}

/** The points of all measures as one measure. */
function labPooled({ data, weights }) {
  const masses = data.flatMap((each, k) => each.masses.map((mass) => weights[k] * mass));
  return { points: data.flatMap((each) => each.points), masses };
}

/** A start of a kind: good ones, chance ones, and bad ones. */
function startOf(kind, state, { seed, frame }) {
  const [m, random, pooled] = [state.start.length, draws(7919 * seed + state.start.length), labPooled(state)];
  if (kind === "spread") return spreadStart(pooled, m, state.cost, random);
  const fine = labGrid(frame) / 100;
  const inside = (x) => x.map((each, k) => labSnap(each, fine, frame.low[k], frame.high[k]));
  const grid = labGrid(frame);
  if (kind === "corner")
    return state.start.map((y, i) => inside(y.map((_, k) => frame.low[k] + grid * (0.2 + 0.15 * ((i * (k + 1)) % 5)))));
  const chosen = () => pooled.points[Math.floor(random() * pooled.points.length)];
  if (kind === "chance")
    return state.start.map(() => inside(chosen().map((each) => each + grid * 0.1 * (random() - 0.5))));
  const centre = chosen(); // all in one place
  return state.start.map(() => inside(centre.map((each) => each + grid * 0.4 * (random() - 0.5))));
}

/** When nothing has changed for a moment: where other starts end, a few milliseconds at a time. */
function tryStarts(state, view, ask) {
  const { data, weights, rule, cost, trim } = state;
  const key = JSON.stringify([data, weights, rule, cost, trim, state.start.length]);
  if (view.best?.key === key || view.problem) return;
  clearTimeout(view.trying);
  const [best, pooled, random] = [{ key, value: Infinity, start: null, count: 0 }, labPooled(state), draws(1)];
  view.best = best;
  const go = () => {
    const until = performance.now() + 12;
    while (best.count < LAB_TRIES && performance.now() < until) {
      const start = spreadStart(pooled, state.start.length, cost, random);
      const value = visibleSteps({ measures: data, weights, masses: rule, cost, trim, start }).at(-1).value;
      if (value < best.value) Object.assign(best, { value, start });
      best.count++;
    }
    if (best.count < LAB_TRIES) view.trying = setTimeout(go, 4);
    else ask();
  };
  view.trying = setTimeout(go, 3 * LAB_REST);
}

export default { render };
