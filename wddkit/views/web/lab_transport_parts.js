// Parts of the transport laboratory: its controls, its large number, and what is said about an entry of the plan.

/** What the value is called under these settings. */
function valueName({ cost, reg, relax, mass }) {
  if (relax !== null) return "cost of what is carried";
  if (reg !== null) return "cost of the blurred plan";
  return mass < 1 ? `cost of carrying ${labPercent(mass)}` : GROUND_COSTS[cost].value;
}

/** The value in large digits, what it is, and numbers to compare it with. */
function valuePanel() {
  const [name, digits] = [h("span", { class: "wdd-what" }), h("output", { class: "wdd-digits" })];
  const [meaning, beside] = [h("p", { class: "wdd-caption" }), h("dl", { class: "wdd-numbers" })];
  const read = h("p", { class: "wdd-entry" });
  const sum = h("div", {}, h("p", { class: "wdd-sum" }, name, " = ", digits), meaning);
  const node = h("section", { class: "wdd-panel wdd-result" }, sum, h("div", {}, beside, read));
  return {
    node,
    draw(scene) {
      const { state, solved, carried, view } = scene;
      say(name, valueName(state));
      say(digits, labDigits(solved.value));
      say(meaning, `Σ mass × ${GROUND_COSTS[state.cost].title} over all lines${meaningOf(state)}`);
      const numbers = [];
      if (state.reg === null && state.mass === 1 && state.cost === "sqeuclidean")
        numbers.push(["its root, W2", labDigits(Math.sqrt(solved.value))]);
      else if (state.reg !== null || state.mass < 1)
        numbers.push([`exact ${GROUND_COSTS[state.cost].value}, all carried`, labDigits(solved.exact)]);
      if (state.relax !== null) numbers.push(["mass carried", labPercent(carried)]);
      say(read, view.problem || entryText(scene));
      read.classList.toggle("wdd-problem", Boolean(view.problem));
      numbers.push(["each a to all b alike", labDigits(solved.spread)]);
      const text = JSON.stringify(numbers);
      if (beside.dataset.shown === text) return;
      beside.dataset.shown = text;
      beside.replaceChildren(...numbers.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
    },
  };
}

function meaningOf({ reg, relax, mass }) {
  if (relax !== null) return "; mass is left behind where carrying it costs more than its price ρ.";
  if (reg !== null) return "; a blurred plan is never cheaper than the exact one.";
  return mass < 1 ? "; the mass that is dearest to carry stays." : ": no plan costs less.";
}

/** What one entry, or one point, of the plan has to do with the value. */
function entryText({ view, solved, sides }) {
  if (!view.pointed) return "Point at a line or at a cell to read what it carries and what that costs.";
  const { i, j } = view.pointed;
  const [a, b] = sides;
  const n = b.points.length;
  const point = (at, { masses, carried }) => `mass ${labShort(masses[at])}, carried ${labShort(carried[at])}`;
  if (j === undefined) return `a${i + 1}: ${point(i, a)}, price u = ${labShort(solved.u[i])}`;
  if (i === undefined) return `b${j + 1}: ${point(j, b)}, price v = ${labShort(solved.v[j])}`;
  const [mass, cost] = [solved.plan[i * n + j], solved.costs[i * n + j]];
  const name = `a${i + 1} → b${j + 1}`;
  const prices = `u + v = ${labShort(solved.u[i] + solved.v[j])}`;
  if (mass < 1e-9) return `${name}: carries nothing. It would cost ${labShort(cost)} a unit; the prices pay ${prices}.`;
  const share = solved.value ? `, ${labPercent((mass * cost) / solved.value)} of the value` : "";
  const costs = `at ${labShort(cost)} a unit = ${labShort(mass * cost)}`;
  return `${name}: carries ${labShort(mass)} ${costs}${share} (${prices})`;
}

/** What rows, columns and bars of the matrix are. */
function matrixCaption() {
  const said = [
    "Rows: blue points a; columns: orange points b. Bars left and above: masses, the sums of rows and columns.",
    "Bars right (u) and below (v): potentials, prices such that u + v is never more than a pair's cost. Exact plans " +
      "use only pairs where it is equal.",
  ];
  return h("div", {}, ...said.map((text) => h("p", { class: "wdd-caption" }, text)));
}

/** Ground cost, regularisation, and how much must be carried. */
function ruleControls(act) {
  const cost = labCosts(act);
  const reg = labSlider("Blur (reg)", { max: LAB_REG.last + 1 }, (k) =>
    act.set({ reg: k ? LAB_REG.value(k - 1) : null }),
  );
  const kinds = [
    ["all", "all of it"],
    ["partial", "only a share (partial)"],
    ["unbalanced", "what is worth its price (unbalanced)"],
  ];
  const kind = labSelect("Carry", kinds, (value) => act.set(KIND_STARTS[value]));
  const share = labSlider("Share carried", { min: 1, max: 100 }, (value) => act.set({ mass: value / 100 }));
  const price = labSlider("Price ρ", { max: LAB_RELAX.last }, (k) => act.set({ relax: LAB_RELAX.value(k) }));
  const node = h("section", { class: "wdd-panel wdd-rules" }, cost.node, reg.node, kind.node, share.node, price.node);
  let partial = false; // a share of 100 % is still a share
  kind.select.addEventListener("change", () => (partial = kind.select.value === "partial"));
  return {
    node,
    draw(state) {
      cost.set(state.cost);
      partial = state.relax === null && state.reg === null && (partial || state.mass < 1);
      kind.set(state.relax !== null ? "unbalanced" : partial ? "partial" : "all");
      reg.slider.min = state.relax === null ? 0 : 1; // the price's problem is posed with some blur
      const blur = state.reg === null ? "exact" : labShort(state.reg);
      reg.set(state.reg === null ? 0 : LAB_REG.place(state.reg) + 1, blur, partial);
      share.set(Math.round(100 * state.mass), labPercent(state.mass));
      price.set(
        state.relax === null ? 0 : LAB_RELAX.place(state.relax),
        state.relax === null ? "" : labShort(state.relax),
      );
      [share.node.hidden, price.node.hidden] = [!partial, state.relax === null];
    },
  };
}

/** What the settings become when another way to carry is chosen. */
const KIND_STARTS = {
  all: { mass: 1, relax: null },
  partial: { mass: 0.8, relax: null, reg: null },
  unbalanced: { mass: 1, relax: 1, reg: 0.05 },
};
