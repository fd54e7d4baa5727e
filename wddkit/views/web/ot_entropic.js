// Plans without corners: entropic and unbalanced transport, by Sinkhorn's and Newton's steps on the dual problem. With
// KL(p|q) = Σ p log(p/q) - p + q, the plan of masses a, b and costs C is
//
//     argmin over T of  Σ T_ij C_ij + reg KL(T | a b') + ρ KL(T 1 | a) + ρ KL(T' 1 | b),      ρ = ∞: marginals exact
//
// and has the form T_ij = a_i b_j exp((u_i + v_j - C_ij) / reg). For given v the best u has a formula, and for given u
// the best v: Sinkhorn's updates. Alone they take thousands of rounds where reg is small. So reg falls from the largest
// cost in a few stages, each starting from the last one's potentials (Kosowsky and Yuille 1994), and between the
// updates u takes a Newton step. wddkit/ot/entropic.py says why this is right; here the same is done in the same way.

const MARGIN = 1e-10; // error of the marginals, as a share of the plan's mass
const FINER = 1e-13; // what is tried for: Newton's last step gets there at no cost
const ROUNDS = 1000;
const COARSE = { factor: 4, error: 1e-2, rounds: 20 }; // of the stages before the last
const EPSILON = 2 ** -52;
const RESOLVED = 1e9; // largest cost / reg: beyond it exp(-C / reg) has too few digits

/**
 * Entropic (relax = Infinity) or unbalanced transport: { plan, value, u, v }, value = Σ T_ij C_ij. `near`: potentials
 * { u, v } of a problem that was a little different, from which the answer is a few rounds away.
 */
function blurredPlan(C, a, b, { reg, relax = Infinity, near = null }) {
  const [m, n] = [a.length, b.length];
  if (m > n) {
    // Newton's system is that of the rows: let them be fewer.
    const t = blurredPlan(transposed(C, m, n), b, a, { reg, relax, near: near && { u: near.v, v: near.u } });
    return { plan: transposed(t.plan, n, m), value: t.value, u: t.v, v: t.u };
  }
  const [u0, v0] = relax === Infinity ? offsets(C, m, n) : [new Float64Array(m), new Float64Array(n)];
  const K = C.map((c, at) => (c - u0[Math.floor(at / n)] - v0[at % n]) / reg);
  const dual = { K, a, b, logA: a.map(Math.log), logB: b.map(Math.log), m, n, soft: reg / relax };
  const { f, g } = highest(dual, near?.v.length === n ? v0.map((x, j) => (near.v[j] - x) / reg) : null);
  const T = planOf(dual, f, g);
  const [u, v] = [u0.map((x, i) => x + reg * f[i]), v0.map((x, j) => x + reg * g[j])];
  const half = relax === Infinity ? (dot(b, v) - dot(a, u)) / 2 : 0;
  return { plan: T, value: dot(T, C), u: u.map((x) => x + half), v: v.map((x) => x - half) };
}

function transposed(C, m, n) {
  return Float64Array.from(C, (_, at) => C[(at % m) * n + Math.floor(at / m)]);
}

/** Constants of rows and columns: they change every plan's cost alike, and take digits. */
function offsets(C, m, n) {
  const [u, v] = [new Float64Array(m).fill(Infinity), new Float64Array(n).fill(Infinity)];
  C.forEach((c, at) => (v[at % n] = Math.min(v[at % n], c)));
  C.forEach((c, at) => (u[Math.floor(at / n)] = Math.min(u[Math.floor(at / n)], c - v[at % n])));
  return [u, v];
}

/** The potentials f = u / reg, g = v / reg of the largest dual value. */
function highest(dual, near) {
  const largest = dual.K.reduce((high, k) => Math.max(high, Math.abs(k)), 0);
  if (!(largest <= RESOLVED)) throw new Error("the costs are too large for so little regularisation; take more");
  const resolved = EPSILON * largest; // the rounding error of exponents
  const finest = [Math.max(FINER, resolved), ROUNDS];
  let at = near && ascend(dual, near, finest[0], COARSE.rounds);
  if (at?.error <= Math.max(MARGIN, resolved)) return at;
  let g = new Float64Array(dual.n);
  for (let stage = Math.floor(Math.log(Math.max(largest, 1)) / Math.log(COARSE.factor)); stage >= 0; stage--) {
    const k = COARSE.factor ** stage;
    const coarse = { ...dual, K: stage ? dual.K.map((x) => x / k) : dual.K, soft: dual.soft * k };
    const goal = stage ? [COARSE.error, COARSE.rounds] : finest;
    at = ascend(
      coarse,
      g.map((x) => x / k),
      ...goal,
    );
    g = at.g.map((x) => x * k);
  }
  if (!(at.error <= Math.max(MARGIN, resolved))) throw new Error("Sinkhorn's rounds do not settle; take a larger reg");
  return at;
}

/** Up the dual from g until the rows are met: Sinkhorn's update of f, then of g, then a Newton step. */
function ascend(dual, start, goal, rounds) {
  let [g, at, stuck] = [start, null, 0];
  for (let round = 0; round < rounds && stuck < 3; round++) {
    const here = meet(dual, bestRows(dual, g));
    stuck = at && here.error <= MARGIN && here.error >= at.error ? stuck + 1 : 0; // as good as float64 can
    if (!at || here.error < at.error || here.error > MARGIN) at = here;
    if (at.error <= goal) break;
    g = newton(dual, here).g;
  }
  return at;
}

/** The best f for this g: f_i = -log Σ_j b_j exp(g_j - K_ij), over 1 + reg / ρ. */
function bestRows({ K, b, logB, m, n, soft }, g) {
  const [f, x] = [new Float64Array(m), new Float64Array(n)];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) x[j] = g[j] - K[i * n + j];
    f[i] = -logMean(x, b, logB) / (1 + soft);
  }
  return f;
}

/**
 * Here: f with the best g for it, g_j = -log Σ_i a_i exp(f_i - K_ij) over 1 + reg / ρ; the shares T_ij / Σ_i T_ij = Q;
 * and, up to a common factor, the row sums p that f asks for, the column sums c, the row sums r.
 */
function meet({ K, a, logA, logB, m, n, soft }, f) {
  const [g, Q, x] = [new Float64Array(n), new Float64Array(m * n), new Float64Array(m)];
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < m; i++) x[i] = f[i] - K[i * n + j];
    g[j] = -logMean(x, a, logA) / (1 + soft);
    for (let i = 0; i < m; i++) Q[i * n + j] = x[i];
  }
  const logC = g.map((each, j) => logB[j] - soft * each);
  const top = logC.reduce((high, each) => Math.max(high, each), -Infinity);
  const c = logC.map((each) => Math.exp(each - top));
  const p = f.map((each, i) => Math.exp(logA[i] - soft * each - top));
  const r = p.map((_, i) => dot(c, Q.subarray(i * n, (i + 1) * n)));
  const missed = p.reduce((sum, each, i) => sum + Math.abs(each - r[i]), 0);
  return { f, g, Q, p, c, r, error: missed / r.reduce((y, z) => y + z, 0) };
}

/** log Σ_k w_k exp(x_k) without overflow; leaves in x the share of each summand. */
function logMean(x, w, logW) {
  let [top, largest, flat, sum] = [-Infinity, 0, 0, 0];
  for (let k = 0; k < x.length; k++) {
    top = Math.max(top, x[k] + logW[k]);
    largest = Math.max(largest, Math.abs(x[k]));
  }
  const even = largest < 0.1; // then expm1 keeps digits that exp loses
  for (let k = 0; k < x.length; k++) {
    if (even) flat += w[k] * Math.expm1(x[k]);
    x[k] = Math.exp(x[k] + logW[k] - top);
    sum += x[k];
  }
  for (let k = 0; k < x.length; k++) x[k] /= sum;
  return even ? Math.log1p(flat) : top + Math.log(sum);
}

/**
 * A step on D(f) = max over g of D(f, g), halved until it gains; where it does not, none. With T's row sums r, column
 * sums c and s = sqrt(r), -∇²D = diag(s) (1 + soft diag(p / r) - W W' / (1 + soft)) diag(s), W = T / s / sqrt(c).
 */
function newton(dual, at) {
  const { m, n, soft } = dual;
  const { f, Q, p, c, r, error } = at;
  const s = r.map((x) => Math.sqrt(x > 0 ? x : 1));
  const W = Q.map((q, k) => (q * Math.sqrt(c[k % n])) / s[Math.floor(k / n)]);
  const rows = Array.from(s, (_, i) => W.subarray(i * n, (i + 1) * n));
  const total = r.reduce((x, y) => x + y, 0);
  const H = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    for (let k = 0; k <= i; k++) {
      // f + constant, g - constant is the same plan where marginals are exact: no step that way.
      H[i * m + k] = -dot(rows[i], rows[k]) / (1 + soft) + (soft ? 0 : (s[i] * s[k]) / total);
    }
    // Levenberg's ridge: where the plan falls into parts that barely touch, Newton alone would go astray.
    H[i * m + i] += 1 + (soft * p[i]) / (r[i] > 0 ? r[i] : 1) + Math.min(1, error ** 2) + 1e-13;
  }
  const slope = r.map((x, i) => (x > 0 ? p[i] - x : 0));
  const df = solved(
    H,
    slope.map((x, i) => x / s[i]),
  ).map((x, i) => x / s[i]);
  for (let t = 1; t > 2 ** -40; t /= 2) {
    const after = meet(
      dual,
      f.map((x, i) => x + t * df[i]),
    );
    if (gain(dual, at, after) >= 1e-4 * t * dot(slope, df)) return after;
  }
  return at;
}

/** D(after) - D(at), from differences, and with their rounding error added. */
function gain({ soft }, at, after) {
  // What a mass of 1 adds to the dual for its potential x.
  const phi = (x, k) => (k ? -Math.expm1(-k * x) / k : x);
  let [sum, noise] = [0, 0];
  for (const [mass, x, y, scale] of [
    [at.p, at.f, after.f, 1],
    [at.c, at.g, after.g, 1 + soft],
  ]) {
    for (let i = 0; i < mass.length; i++) {
      sum += mass[i] * phi(y[i] - x[i], soft) * scale;
      noise += EPSILON * mass[i] * Math.abs(y[i] - x[i]);
    }
  }
  return sum + noise;
}

/** The solution x of H x = y for a positive definite H, of which the lower half is given: L D L' = H, then in turn. */
function solved(H, y) {
  const m = y.length;
  const [D, x, row] = [new Float64Array(m), Float64Array.from(y), new Float64Array(m)];
  for (let i = 0; i < m; i++) {
    for (let k = 0; k <= i; k++) {
      let sum = H[i * m + k];
      for (let l = 0; l < k; l++) sum -= row[l] * H[k * m + l];
      if (k === i)
        D[i] = Math.max(sum, 1e-14); // below that are rounding errors
      else [row[k], H[i * m + k]] = [sum, sum / D[k]]; // (L D)_ik and L_ik
    }
    for (let k = 0; k < i; k++) x[i] -= H[i * m + k] * x[k];
  }
  for (let i = 0; i < m; i++) x[i] /= D[i];
  for (let i = m - 1; i >= 0; i--) for (let k = i + 1; k < m; k++) x[i] -= H[k * m + i] * x[k];
  return x;
}

/** T(f, g), with its exact marginals met to rounding (Altschuler, Weed and Rigollet 2017, algorithm 2). */
function planOf({ K, a, b, logA, logB, m, n, soft }, f, g) {
  const T = new Float64Array(m * n);
  for (let i = 0, at = 0; i < m; i++) {
    for (let j = 0; j < n; j++, at++) T[at] = Math.exp(logA[i] + f[i] + logB[j] + g[j] - K[at]);
  }
  if (soft) return T;
  const { rows } = marginals(T, m, n);
  for (let at = 0; at < T.length; at++) T[at] *= Math.min(1, a[Math.floor(at / n)] / (rows[Math.floor(at / n)] || 1));
  const { columns } = marginals(T, m, n);
  for (let at = 0; at < T.length; at++) T[at] *= Math.min(1, b[at % n] / (columns[at % n] || 1));
  const left = marginals(T, m, n);
  const [x, y] = [left.rows.map((r, i) => Math.max(0, a[i] - r)), left.columns.map((c, j) => Math.max(0, b[j] - c))];
  const missing = x.reduce((sum, each) => sum + each, 0) || 1;
  return T.map((t, at) => t + (x[Math.floor(at / n)] * y[at % n]) / missing);
}
