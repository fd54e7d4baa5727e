// `transport` of one measure to another by whatever plan is asked for, and what is said about it.

/** A plan of a to b and its cost: { plan, value, u, v, costs }, with wddkit.ot's definitions; `near` as there. */
function transport(a, b, { cost = "sqeuclidean", reg = null, relax = null, mass = 1, near = null } = {}) {
  const C = costMatrix(a.points, b.points, cost);
  const first = ({ points }) => sortedBy(points.map((x) => x[0]));
  const orders = [first(a), first(b)];
  const found = () => {
    if (relax !== null && reg === null) throw new Error("unbalanced plans need some blur: raise reg");
    if (relax !== null) return blurredPlan(C, a.masses, b.masses, { reg, relax, near });
    if (reg !== null) return blurredPlan(C, a.masses, b.masses, { reg, near });
    return mass < 1 ? partialPlan(C, a.masses, b.masses, mass, orders) : exactPlan(C, a.masses, b.masses, orders);
  };
  return { ...found(), costs: C };
}

/**
 * The cheapest plan that carries only the mass s of a to b: T 1 <= a, T' 1 <= b, Σ T_ij = s. An exact plan with one
 * more row and one more column of mass 1 - s, where mass may go for nothing.
 */
function partialPlan(C, a, b, s, orders) {
  const [m, n] = [a.length, b.length];
  const [least, most] = C.reduce(([low, high], c) => [Math.min(low, c), Math.max(high, c)], [Infinity, -Infinity]);
  const wide = new Float64Array((m + 1) * (n + 1));
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) wide[i * (n + 1) + j] = C[i * n + j] - least;
  wide[wide.length - 1] = most - least || 1; // any price above 0 forbids mass to go from nowhere to nowhere
  const total = 2 - s;
  const masses = (w) => Float64Array.from([...w, 1 - s], (x) => x / total);
  const t = exactPlan(wide, masses(a), masses(b), [
    [...orders[0], m],
    [...orders[1], n],
  ]);
  const T = Float64Array.from(C, (_, at) => t.plan[Math.floor(at / n) * (n + 1) + (at % n)] * total);
  const [u, v] = [t.u.slice(0, m), t.v.slice(0, n).map((x) => x + least)];
  const half = (Math.max(...v) - Math.max(...u)) / 2;
  return { plan: T, value: dot(T, C), u: u.map((x) => x + half), v: v.map((x) => x - half), gap: t.gap * total };
}

/** What it costs to spread every point's mass over all points of the other side alike: T = a b'. */
function spreadCost({ costs }, a, b) {
  const n = b.masses.length;
  return a.masses.reduce((sum, mass, i) => sum + mass * dot(costs.subarray(i * n, (i + 1) * n), b.masses), 0);
}
