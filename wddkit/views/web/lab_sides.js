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
const labPlace = (x) => `(${x.map((each) => each.toFixed(2)).join(", ")})`;

/** A share as text, in percent. */
const labPercent = (share) => `${Number((100 * share).toFixed(1))} %`;

/**
 * What both laboratories do to their points. `measure(set)` and `put(set, measure)` read and write one of the sets,
 * `limit(set)` is how many points it may have.
 */
function labEditing(store, view, ask, { measure, put, limit }) {
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
      const { length } = measure(set).points;
      if (length >= limit(set)) return;
      put(set, labAdded(measure(set), point));
      store.settle();
      act.turnTo({ set, index: length });
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
  const middle = () => {
    const { low, high } = view.frame;
    return low.map((each, k) => labSnap((each + high[k]) / 2, labGrid(view.frame) / 100, each, high[k]));
  };
  const add = adds.map(([set, words]) => button(words, () => act.add(set, middle())));
  const [line, plane] = [
    button("on a line", () => act.dimension(1)),
    button("in the plane", () => act.dimension(2)),
  ];
  const row = (...children) => h("div", { class: "wdd-row" }, ...children);
  const node = h(
    "div",
    {},
    row(name, mass.node, remove),
    row(...add, button("equal masses", act.equal), line, plane),
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
      remove.disabled = !chosen || measure.points.length === 1;
      line.setAttribute("aria-pressed", String(flat));
      plane.setAttribute("aria-pressed", String(!flat));
    },
  };
}
