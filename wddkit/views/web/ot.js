// Optimal transport between at most a few hundred points, in float64: ground costs, and the exact plan of least cost
// by the simplex method on trees. The numbers are those of wddkit.ot, whose names and conventions these are.
//
// A matrix is a Float64Array, row after row: C[i * n + j]. A measure is { points: [[x, y], ...], masses: [...] }.

const GROUND_COSTS = {
  sqeuclidean: { title: "squared distance", formula: "|x − y|²", value: "squared W2", of: squaredDistance },
  l2: { title: "distance", formula: "|x − y|", value: "W1", of: (x, y) => Math.sqrt(squaredDistance(x, y)) },
  l1: { title: "city-block distance", formula: "Σ |xₖ − yₖ|", value: "W1 (city block)", of: cityBlock },
  cosine: { title: "cosine distance", formula: "1 − cos(angle at 0)", value: "cosine transport cost", of: halfChord },
};

const UNITS = 2 ** 50; // masses are counted in these parts of 1
const CRUMB = 1e-12; // mass below which an entry of a plan is what rounding to units left over
const MOST_PIVOTS = 1e5; // far above what a few hundred points take

/** |x - y|². */
function squaredDistance(x, y) {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += (x[k] - y[k]) ** 2;
  return sum;
}

function cityBlock(x, y) {
  let sum = 0;
  for (let k = 0; k < x.length; k++) sum += Math.abs(x[k] - y[k]);
  return sum;
}

/** 1 - cos of the angle between x and y, as half the squared distance of their directions: digits stay. */
function halfChord(x, y) {
  return squaredDistance(directionOf(x), directionOf(y)) / 2;
}

/** x / |x|; throws an Error where that is nothing, with what to do. */
function directionOf(x) {
  const length = Math.sqrt(x.reduce((sum, each) => sum + each * each, 0));
  if (!length)
    throw new Error("the cosine cost needs a direction, and a point lies at 0; move it, or take another cost");
  return x.map((each) => each / length);
}

/** C_ij = c(y_i, x_j). */
function costMatrix(y, x, cost) {
  const { of } = GROUND_COSTS[cost];
  const C = new Float64Array(y.length * x.length);
  for (let i = 0, at = 0; i < y.length; i++) for (let j = 0; j < x.length; j++) C[at++] = of(y[i], x[j]);
  return C;
}

/** Σ_i x_i y_i. */
function dot(x, y) {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** The row sums and the column sums of a plan. */
function marginals(T, m, n) {
  const [rows, columns] = [new Float64Array(m), new Float64Array(n)];
  for (let i = 0, at = 0; i < m; i++) {
    for (let j = 0; j < n; j++, at++) {
      rows[i] += T[at];
      columns[j] += T[at];
    }
  }
  return { rows, columns };
}

/** Positions sorted by value, the first of equal ones first. */
function sortedBy(values) {
  return Array.from(values.keys()).sort((i, j) => values[i] - values[j] || i - j);
}

/**
 * The plan of least cost between masses a and b, both positive with sum 1, and its proof.
 *
 *     min over T >= 0 of  Σ_ij T_ij C_ij  with  T 1 = a,  T' 1 = b
 *
 * The potentials u, v satisfy u_i + v_j <= C_ij, so no plan costs less than Σ a_i u_i + Σ b_j v_j; `gap` = value minus
 * that is 0 but for rounding. Of their free constant each side carries half of the value. `orders`: rows and columns
 * sorted alike (on a line: from left to right, which is the answer already), where the search begins.
 */
function exactPlan(C, a, b, orders = [[...a.keys()], [...b.keys()]]) {
  const [m, n] = [a.length, b.length];
  const [supply, demand, total] = inUnits(a, b);
  const tree = new TransportTree(C, supply, demand);
  tree.northWest(orders);
  tree.descend();
  const T = new Float64Array(m * n);
  for (const [i, j, flow] of tree.arcs()) T[i * n + j] = flow / total < CRUMB ? 0 : flow / total;
  const v = tree.level.slice(m);
  const u = Float64Array.from(a, (_, i) => {
    let least = Infinity;
    for (let j = 0; j < n; j++) least = Math.min(least, C[i * n + j] - v[j]);
    return least;
  });
  const value = dot(T, C);
  const gap = value - dot(a, u) - dot(b, v);
  const half = (dot(b, v) - dot(a, u)) / 2;
  return { plan: T, value, u: u.map((x) => x + half), v: v.map((x) => x - half), gap };
}

/**
 * The masses as whole numbers with equal sums. Then sums and differences of flows are exact, and a flow that should be
 * 0 is 0: on that rests the rule that keeps the simplex from going round for ever.
 */
function inUnits(a, b) {
  const count = (masses) => Float64Array.from(masses, (mass) => Math.max(1, Math.round(mass * UNITS)));
  const [supply, demand] = [count(a), count(b)];
  const sum = (counts) => counts.reduce((x, y) => x + y, 0);
  const more = sum(supply) - sum(demand);
  const short = more > 0 ? demand : supply;
  short[short.indexOf(Math.max(...short))] += Math.abs(more);
  return [supply, demand, sum(supply)];
}

/**
 * A plan on a spanning tree: its nodes are the m rows and, after them, the n columns, and mass flows only along its
 * arcs. Rows and columns alternate, the root is a row, and an arc is named by its child. The potentials, here `level`,
 * are such that C_ij = level_i + level_j on every arc.
 *
 * The simplex method: as long as some other arc (i, j) has C_ij < level_i + level_j, let it in, send as much mass as
 * possible round the circle that it closes, and take out an arc that this has emptied. Where that is no mass at all,
 * one could go round for ever; not so if every arc whose child is a column keeps a flow above 0 ("strongly feasible":
 * Cunningham 1976), which the choice among emptied arcs sees to.
 */
class TransportTree {
  constructor(C, supply, demand) {
    const nodes = supply.length + demand.length;
    Object.assign(this, { C, supply, demand, m: supply.length, n: demand.length });
    this.parent = new Int32Array(nodes).fill(-1);
    this.flow = new Float64Array(nodes); // on the arc to the parent
    this.level = new Float64Array(nodes);
    this.depth = new Int32Array(nodes);
    // The children of a node are a chain: its first child, and then each one's next; `before` leads back.
    this.first = new Int32Array(nodes).fill(-1);
    this.next = new Int32Array(nodes).fill(-1);
    this.before = new Int32Array(nodes).fill(-1);
    this.stack = new Int32Array(nodes);
  }

  /** The cost of the arc between a row and a column, named in either order. */
  price(x, y) {
    return x < y ? this.C[x * this.n + y - this.m] : this.C[y * this.n + x - this.m];
  }

  hang(child, parent, flow) {
    const elder = this.first[parent];
    this.parent[child] = parent;
    this.flow[child] = flow;
    [this.first[parent], this.next[child], this.before[child]] = [child, elder, -1];
    if (elder >= 0) this.before[elder] = child;
  }

  unhang(child) {
    const [before, next] = [this.before[child], this.next[child]];
    if (before >= 0) this.next[before] = next;
    else this.first[this.parent[child]] = next;
    if (next >= 0) this.before[next] = before;
  }

  /** Levels and depths of a node and of all below it, from its parent's. */
  refresh(top) {
    const { stack, parent, first, next, level, depth } = this;
    let waiting = 1;
    stack[0] = top;
    while (waiting) {
      const node = stack[--waiting];
      const above = parent[node];
      level[node] = above < 0 ? 0 : this.price(node, above) - level[above];
      depth[node] = above < 0 ? 0 : depth[above] + 1;
      for (let child = first[node]; child >= 0; child = next[child]) stack[waiting++] = child;
    }
  }

  /** The first tree: masses laid side by side, row after row and column after column, as a hand would fill a table. */
  northWest([rows, columns]) {
    const { m, supply, demand } = this;
    const left = { row: supply[rows[0]], column: demand[columns[0]] };
    let [i, j] = [0, 0];
    this.hang(m + columns[0], rows[0], Math.min(left.row, left.column));
    while (i + j < m + demand.length - 2) {
      const flow = Math.min(left.row, left.column);
      [left.row, left.column] = [left.row - flow, left.column - flow];
      // A tie leaves an arc of flow 0, and its child must be a row.
      if (left.row === 0 && i < m - 1) {
        left.row = supply[rows[++i]];
        this.hang(rows[i], m + columns[j], Math.min(left.row, left.column));
      } else {
        left.column = demand[columns[++j]];
        this.hang(m + columns[j], rows[i], Math.min(left.row, left.column));
      }
    }
    this.refresh(rows[0]);
  }

  /** Pivots until no arc would lower the cost; rows are asked in turn for their best arc. */
  descend() {
    const { C, m, n, level } = this;
    const least = 1e-13 * C.reduce((high, c) => Math.max(high, Math.abs(c)), 0); // below this it is rounding
    let pivots = 0;
    for (let i = 0, quiet = 0; quiet < m; i = (i + 1) % m) {
      let [best, gain] = [-1, least];
      for (let j = 0; j < n; j++) {
        const each = level[i] + level[m + j] - C[i * n + j];
        if (each > gain) [best, gain] = [j, each];
      }
      quiet++;
      if (best < 0) continue;
      this.pivot(i, m + best);
      quiet = 0;
      if (++pivots > MOST_PIVOTS) throw new Error("no best plan was found; move some points a little");
    }
    this.pivots = pivots;
  }

  /** Lets the arc from row i to column j in, and an emptied one out. */
  pivot(i, j) {
    const { m, parent, depth, flow } = this;
    // The circle goes from its top, where the two ways up meet, down to i, over to j, and up again. Mass is taken from
    // the arcs that it runs through from column to row. Of those emptied the last one on the circle leaves: on i's side
    // that is the lowest, on j's, which comes later, the highest.
    let [x, least, low] = [i, Infinity, -1];
    let [y, most, high] = [j, Infinity, -1];
    while (x !== y) {
      if (depth[x] >= depth[y]) {
        if (x < m && flow[x] < least) [low, least] = [x, flow[x]];
        x = parent[x];
      } else {
        if (y >= m && flow[y] <= most) [high, most] = [y, flow[y]];
        y = parent[y];
      }
    }
    const mass = Math.min(least, most);
    const top = x;
    for (x = i; x !== top; x = parent[x]) flow[x] += x < m ? -mass : mass;
    for (y = j; y !== top; y = parent[y]) flow[y] += y < m ? mass : -mass;
    if (most <= least) this.rehang(j, i, high, mass);
    else this.rehang(i, j, low, mass);
  }

  /** Hangs the part that comes off with the arc of `out` under another parent, by its node `low`. */
  rehang(low, above, out, mass) {
    let [child, parent, flow] = [low, above, mass];
    for (;;) {
      const [old, carried] = [this.parent[child], this.flow[child]];
      this.unhang(child);
      this.hang(child, parent, flow);
      if (child === out) break;
      [child, parent, flow] = [old, child, carried];
    }
    this.refresh(low);
  }

  /** Every arc as [row, column, flow]. */
  *arcs() {
    for (let x = 0; x < this.parent.length; x++) {
      const y = this.parent[x];
      if (y >= 0) yield [Math.min(x, y), Math.max(x, y) - this.m, this.flow[x]];
    }
  }
}
