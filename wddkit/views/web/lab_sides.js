// Changes to a measure, { points, masses }: each returns a new one whose masses sum to 1 (support points have none of
// their own: null). And what mouse and keyboard may do with them.

const LAB_MOST = 200; // points of a measure
const LAB_LEAST = 0.002; // mass of a point, so that it can be seen and grasped

/** The masses in the same proportions, with sum 1. */
function labNormal(masses) {
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return masses.map((mass) => mass / total);
}

function labMoved({ points, masses }, index, point) {
  return { points: points.map((x, i) => (i === index ? point : x)), masses };
}

/** One more point, with the mean mass. */
function labAdded({ points, masses }, point) {
  return { points: [...points, point], masses: masses && labNormal([...masses, 1 / points.length]) };
}

function labRemoved({ points, masses }, index) {
  const left = (list) => list.filter((_, i) => i !== index);
  return { points: left(points), masses: masses && labNormal(left(masses)) };
}

/** The point takes this share of the mass; the others share what is left as before. */
function labWeighed({ points, masses }, index, share) {
  if (points.length === 1) return { points, masses: [1] };
  const mass = Math.max(LAB_LEAST, Math.min(1 - LAB_LEAST * (masses.length - 1), share));
  const rest = (1 - mass) / (1 - masses[index]);
  return { points, masses: labNormal(masses.map((each, i) => (i === index ? mass : each * rest))) };
}

/** The same points, with equal masses. */
function labEqual({ points }) {
  return { points, masses: points.map(() => 1 / points.length) };
}

/** The same points on a line. */
function labOnLine({ points, masses }) {
  return { points: points.map(([x]) => [x]), masses };
}

/** Points of a line, in the plane at these heights, which come again and again. */
function labInPlane({ points, masses }, heights) {
  return { points: points.map(([x], i) => [x, heights[i % heights.length]]), masses };
}

/** A point's coordinates as text. */
const labPlace = (x) =>
  `(${x.map((each) => (each && Math.abs(each) < 0.1 ? labShort(each) : each.toFixed(2))).join(", ")})`;

/** A place where no other point lies, as near as there is one: on a grid that grows finer until it has room. */
function labRoom(points, frame, near) {
  const fine = labGrid(frame) / 100;
  const inside = near.map((each, k) => labSnap(each, fine, frame.low[k], frame.high[k]));
  for (let gap = labGrid(frame) / 2, tries = 0; tries < 8; gap /= 2, tries++) {
    const spots = inside.map((each, k) =>
      Array.from({ length: 81 }, (_, i) => each + gap * (i > 40 ? 40 - i : i)).filter(
        (at) => at >= frame.low[k] && at <= frame.high[k],
      ),
    );
    const found = spots.reduce((all, axis) => axis.flatMap((at) => all.map((x) => [...x, at])), [[]]);
    const free = found.filter((x) => points.every((each) => squaredDistance(x, each) > (0.9 * gap) ** 2));
    const apart = free.map((x) => Math.round((1e6 * squaredDistance(x, inside)) / gap ** 2)); // ties: the right one
    if (free.length) return free[sortedBy(apart)[0]].map((each) => Number(each.toPrecision(12)));
  }
  return inside;
}

/** A share as text, in percent. */
const labPercent = (share) => `${Number((100 * share).toFixed(1))} %`;

/**
 * What both laboratories do to their points. `measure(set)` and `put(set, measure)` read and write one of the sets,
 * `limit(set)` is how many points it may have, `all()` the points of all sets.
 */
function labEditing(store, view, ask, { measure, put, limit, all }) {
  const act = {
    measure,
    choose(handle) {
      view.chosen = handle;
      if (handle) view.side = handle.set;
      ask();
    },
    /** The point becomes the chosen one and has the focus: at once, or where it is new, once it is drawn. */
    turnTo(handle) {
      act.choose(handle);
      if (!act.focus(handle)) requestAnimationFrame(() => requestAnimationFrame(() => act.focus(handle)));
    },
    move({ set, index }, point, byKey = false) {
      put(set, labMoved(measure(set), index, point));
      if (byKey) store.settleSoon();
    },
    release: () => store.settle(),
    add(set, point) {
      if (act.full(set)) return;
      const { length } = measure(set).points;
      put(set, labAdded(measure(set), point));
      store.settle();
      act.turnTo({ set, index: length });
    },
    full: (set) => measure(set).points.length >= limit(set),
    /** One more point beside one, or else beside the last of the set: never on another that it would hide. */
    addNear(set, near = measure(set).points.at(-1)) {
      const others = near.length === 1 ? measure(set).points : all(); // on a line each set has a height of its own
      act.add(set, labRoom(others, view.frame, near));
    },
    remove({ set, index }) {
      const { length } = measure(set).points;
      if (length === 1) return;
      put(set, labRemoved(measure(set), index));
      store.settle();
      act.turnTo({ set, index: Math.min(index, length - 2) });
    },
    weigh: ({ set, index }, factor) =>
      measure(set).masses && act.setMass({ set, index }, measure(set).masses[index] * factor),
    setMass({ set, index }, share) {
      put(set, labWeighed(measure(set), index, share));
      store.settleSoon();
    },
    set(patch) {
      store.change(patch);
      store.settleSoon();
    },
  };
  return act;
}

/** Buttons and the mass of the chosen point; `adds`: [set, words] of what can be added. */
function labPoints(view, act, adds) {
  const name = h("span", { class: "wdd-chosen" });
  const mass = labSlider("mass", { min: 0, max: 100 }, (value) => view.chosen && act.setMass(view.chosen, value / 100));
  const remove = button("delete", () => view.chosen && act.remove(view.chosen));
  const add = adds.map(([set, words]) => button(words, () => act.addNear(set)));
  const full = h("span", { class: "wdd-hint" });
  const [line, plane] = [
    button("on a line", () => act.dimension(1)),
    button("in the plane", () => act.dimension(2)),
  ];
  const row = (...children) => h("div", { class: "wdd-row" }, ...children);
  const node = h(
    "div",
    {},
    row(name, mass.node, remove),
    row(...add, button("equal masses", act.equal), line, plane, full),
  );
  return {
    node,
    /** `measure`: the one that the chosen point belongs to. */
    draw({ measure, flat }) {
      const { chosen } = view;
      const [text, share] = [
        chosen ? act.describe(chosen) : "no point chosen",
        chosen && measure.masses?.[chosen.index],
      ];
      say(name, text);
      mass.set(share ? Math.round(100 * share) : 0, share ? labPercent(share) : "", !share);
      const most = adds.filter(([set]) => act.full(set));
      add.forEach((each, k) => (each.disabled = act.full(adds[k][0])));
      const why = ([set, words]) => `“${words}” is off: a laboratory shows at most ${act.measure(set).points.length}.`;
      say(full, most.map(why).join(" "));
      remove.disabled = !chosen || measure.points.length === 1;
      line.setAttribute("aria-pressed", String(flat));
      plane.setAttribute("aria-pressed", String(!flat));
    },
  };
}
