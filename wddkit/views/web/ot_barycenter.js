// Barycenters with m support points by Lloyd's alternation: the best plan for the support, then the best support for
// the plan. With free masses of one measure that is k-means, with uniform masses k-means with clusters of equal mass.
// The steps are those of wddkit.ot.barycenter_steps(..., solver="lloyd", start=...).

const STILL = 1e-13; // share of the value: what gains less than this is no better but for rounding
const MOST_STEPS = 1000;
const WEISZFELD = 30; // iterations of the geometric median in one update

/**
 * Lloyd's steps from `start`: each { support, masses, plan, value, next }, the last one included.
 *
 * `measures`, with `weights` λ, are pooled: their points side by side, with masses λ_k b_kj, are the columns of `plan`.
 * `masses`: "free" (one measure only) or "uniform". `trim`: share of the mass, the farthest, that is left out. `next`
 * is the best support for this plan; one without mass stays, or with free masses goes to the point that costs most.
 */
function* lloydSteps({ measures, weights, masses, cost, trim = 0, start }) {
  const free = masses === "free";
  const problem = centred({ measures, weights, cost, trim, m: start.length, free });
  const couple = free ? nearestPlan : equalPlan;
  let support = start.map((y) => y.map((each, k) => each - problem.centre[k]));
  let last = null;
  for (let step = 0; step < MOST_STEPS; step++) {
    const C = costMatrix(support, problem.x, cost);
    const plan = couple(C, problem);
    const now = { support, plan, masses: marginals(plan, start.length, problem.x.length).rows, value: dot(plan, C) };
    if (last && now.value >= (1 - STILL) * last.value) {
      // The plans tie but for rounding, and might take turns without end: keep the one the support is best for.
      const settled = dot(last.plan, C);
      if (settled <= (1 + STILL) * last.value) {
        yield shown({ ...last, support, next: support, value: Math.min(settled, last.value) }, problem);
      }
      return;
    }
    last = now;
    now.next = SUPPORT_UPDATES[cost](plan, problem.x, support);
    if (free && now.value > 0) refill(now, C, problem.x);
    yield shown(now, problem);
    if (now.next.every((y, i) => y.every((each, k) => each === support[i][k]))) return;
    support = now.next;
  }
}

/** The problem around the weighted mean of the points, where the cost does not feel shifts: it keeps digits. */
function centred({ measures, weights, cost, trim, m, free }) {
  const points = measures.flatMap((each) => each.points);
  const b = Float64Array.from(measures.flatMap((each, k) => each.masses.map((mass) => weights[k] * mass)));
  const mean = (k) => points.reduce((sum, x, j) => sum + b[j] * x[k], 0);
  const centre = points[0].map((_, k) => (cost === "cosine" ? 0 : mean(k)));
  const x = points.map((each) => each.map((value, k) => value - centre[k]));
  return { measures, weights, cost, trim, m, free, centre, x, b };
}

/** A step in the coordinates that were given. */
function shown(step, { centre }) {
  const back = (points) => points.map((y) => y.map((each, k) => each + centre[k]));
  return { ...step, support: back(step.support), next: back(step.next) };
}

/** Every point goes to its nearest support point: the best plan where masses are free. */
function nearestPlan(C, { b, m, trim }) {
  const n = b.length;
  const rows = Array.from(b, (_, j) => {
    let best = 0;
    for (let i = 1; i < m; i++) if (C[i * n + j] < C[best * n + j]) best = i;
    return best;
  });
  const kept = keptMasses(
    rows.map((i, j) => C[i * n + j]),
    b,
    trim,
  );
  const T = new Float64Array(m * n);
  rows.forEach((i, j) => (T[i * n + j] = trim ? kept[j] / (1 - trim) : kept[j]));
  return T;
}

/** The masses b without the mass `trim` that costs most, split where it has to be. */
function keptMasses(costs, b, trim) {
  const kept = Array.from(b);
  if (!trim) return kept;
  let before = 0;
  for (const j of sortedBy(costs.map((c) => -c))) {
    kept[j] = Math.min(b[j], Math.max(0, b[j] - (trim - before)));
    before += b[j];
  }
  return kept;
}

/** The best plan in which every support point takes the same mass, of each measure alone. */
function equalPlan(C, { measures, weights, m, trim, x }) {
  const T = new Float64Array(m * x.length);
  let from = 0;
  measures.forEach(({ masses }, k) => {
    const n = masses.length;
    // What is left out goes to a further row that costs nothing.
    const a = new Array(m).fill((1 - trim) / m).concat(trim ? [trim] : []);
    const own = new Float64Array(a.length * n);
    for (let i = 0; i < m; i++) own.set(C.subarray(i * x.length + from, i * x.length + from + n), i * n);
    const { plan } = exactPlan(own, a, masses);
    const share = weights[k] / (1 - trim);
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) T[i * x.length + from + j] = share * plan[i * n + j];
    from += n;
  });
  return T;
}

/** Puts each support point without mass, which costs nothing anywhere, on one of the points that cost most. */
function refill({ plan, masses, next }, C, x) {
  const n = x.length;
  const paid = x.map((_, j) => masses.reduce((sum, _, i) => sum + plan[i * n + j] * C[i * n + j], 0));
  const worst = sortedBy(paid).reverse();
  Array.from(masses.keys())
    .filter((i) => !masses[i])
    .forEach((i, k) => k < n && (next[i] = x[worst[k]].slice()));
}

/** Where Σ_j T_ij c(y, x_j) is least, for each row i: y [m][d]. A support point without mass stays. */
const SUPPORT_UPDATES = { sqeuclidean: meanUpdate, l1: medianUpdate, l2: geometricUpdate, cosine: directionUpdate };

/** What a support point is given: [point, mass, position] of its row's entries. */
function held(plan, i, x) {
  const found = [];
  for (let j = 0; j < x.length; j++) if (plan[i * x.length + j] > 0) found.push([x[j], plan[i * x.length + j], j]);
  return found;
}

function meanUpdate(plan, x, support) {
  return support.map((y, i) => {
    const given = held(plan, i, x);
    const mass = given.reduce((sum, [, w]) => sum + w, 0);
    return mass ? y.map((_, k) => given.reduce((sum, [point, w]) => sum + w * point[k], 0) / mass) : y;
  });
}

/** Of each coordinate the least value with half of the mass at or below it. */
function medianUpdate(plan, x, support) {
  return support.map((y, i) => {
    const given = held(plan, i, x);
    return y.map((own, k) => {
      const order = given.map(([point, w]) => [point[k], w]).sort((p, q) => p[0] - q[0]);
      const half = (order.reduce((sum, [, w]) => sum + w, 0) / 2) * (1 - 1e-12);
      let below = 0;
      return order.find(([, w]) => (below += w) >= half)?.[0] ?? own;
    });
  });
}

/** Geometric medians, by Weiszfeld's iterations, of which none raises the cost (Vardi and Zhang 2000). */
function geometricUpdate(plan, x, support) {
  const scale = Math.max(...x.flat().map(Math.abs)) || 1;
  const rows = support.map((_, i) => held(plan, i, x));
  let y = support;
  for (let round = 0; round < WEISZFELD; round++) {
    const moves = y.map((own, i) => geometricMove(own, rows[i], 1e-14 * scale));
    y = y.map((own, i) => own.map((each, k) => each + moves[i][k]));
    if (moves.flat().every((each) => Math.abs(each) <= 1e-12 * scale)) break;
  }
  return y;
}

function geometricMove(y, given, same) {
  const force = y.map(() => 0);
  let [total, here] = [0, 0];
  for (const [point, w] of given) {
    const length = Math.sqrt(squaredDistance(point, y));
    if (length <= same) {
      here += w; // mass on the support point itself holds it there
      continue;
    }
    total += w / length;
    y.forEach((each, k) => (force[k] += (w / length) * (point[k] - each)));
  }
  const strength = Math.sqrt(dot(force, force));
  if (strength <= here || !total) return y.map(() => 0);
  return force.map((each) => (each * (1 - here / strength)) / total);
}

/** The direction of the summed directions, at the mean length. */
function directionUpdate(plan, x, support) {
  return support.map((y, i) => {
    const given = held(plan, i, x);
    const mass = given.reduce((sum, [, w]) => sum + w, 0);
    const sum = y.map((_, k) => given.reduce((total, [point, w]) => total + w * directionOf(point)[k], 0));
    const length = given.reduce((total, [point, w]) => total + w * Math.sqrt(dot(point, point)), 0) / (mass || 1);
    const norm = Math.sqrt(dot(sum, sum));
    return norm > 1e-14 * mass ? sum.map((each) => (each * length) / norm) : y;
  });
}

/** Numbers from 0 to 1 that look drawn and are the same for the same seed (mulberry32). */
function draws(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A start of m data points that lie apart: each drawn with a chance in proportion to what it costs so far. */
function spreadStart({ points, masses }, m, cost, random) {
  const { of } = GROUND_COSTS[cost];
  const start = [];
  let left = points.map(() => 1);
  while (start.length < m) {
    const chances = left.map((each, j) => each * masses[j]);
    const total = chances.reduce((sum, each) => sum + each, 0);
    let at = random() * total;
    const found = total ? chances.findIndex((each) => (at -= each) < 0) : Math.floor(random() * points.length);
    const chosen = points[Math.max(0, found)];
    left = points.map((x, j) => (start.length ? Math.min(left[j], of(chosen, x)) : of(chosen, x)));
    start.push(chosen.slice());
  }
  return start;
}
