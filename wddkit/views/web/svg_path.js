// Paths of an SVG paper (svg.js): what a canvas' context is told, kept in the document's coordinates.

/** The current path: .calls are a context's, .shape() is it as an element, .from(matrix) the same through a matrix. */
function svgPath(state) {
  let pieces = []; // [letter, x, y, x, y, ...] in the document's coordinates
  let circle = null; // set while the path is one whole circle and nothing else
  const add = (letter, ...xy) => {
    if (!xy.every(Number.isFinite)) return; // a canvas leaves them out, too
    const first = pieces.length === 0;
    if (first && letter !== "M") pieces.push(["M", ...svgMapped(state.getTransform(), xy.slice(0, 2))]);
    if (!first || letter !== "L") pieces.push([letter, ...svgMapped(state.getTransform(), xy)]);
    circle = null;
  };
  const closePath = () => void (pieces.length && pieces.push(["Z"]));
  const rect = (x, y, w, h) => {
    if (![x, y, w, h].every(Number.isFinite)) return;
    add("M", x, y);
    for (const corner of [[x + w, y], [x + w, y + h], [x, y + h]]) add("L", ...corner);
    closePath();
  };
  const ellipse = (x, y, rx, ry, rotation, from, to, back = false) => {
    if (rx < 0 || ry < 0) throw new RangeError(`svgPaper: a radius must be 0 or more, came ${Math.min(rx, ry)}`);
    if (![x, y, rx, ry, rotation, from, to].every(Number.isFinite)) return;
    const [alone, turn] = [pieces.length === 0, svgTurn(from, to, back)];
    svgArc(add, { x, y, rx, ry, rotation, from, turn });
    const { even, factor } = svgStretch(state.getTransform());
    const whole = alone && even && rx === ry && Math.abs(turn) === 2 * Math.PI;
    if (whole) circle = [...svgMapped(state.getTransform(), [x, y]), factor * rx];
  };
  const calls = {
    beginPath: () => void ([pieces, circle] = [[], null]),
    moveTo: (x, y) => add("M", x, y),
    lineTo: (x, y) => add("L", x, y),
    quadraticCurveTo: (...xy) => add("Q", ...xy),
    bezierCurveTo: (...xy) => add("C", ...xy),
    arc: (x, y, r, from, to, back) => ellipse(x, y, r, r, 0, from, to, back),
    ellipse,
    rect,
    closePath,
  };
  const text = (matrix) => {
    const seen = (xy) => (matrix ? svgMapped(matrix, xy) : xy).map((value) => svgNumber(value, matrix ? 4 : 2));
    return { tag: "path", attributes: { d: pieces.map(([letter, ...xy]) => letter + seen(xy).join(" ")).join("") } };
  };
  const shape = () => {
    if (!circle) return text();
    const [cx, cy, r] = circle.map((value) => svgNumber(value));
    return { tag: "circle", attributes: { cx, cy, r } };
  };
  return { calls, shape, from: text };
}

/** Points as a matrix maps them, x and y in turns. */
function svgMapped({ a, b, c, d, e, f }, xy) {
  const mapped = [];
  for (let i = 0; i < xy.length; i += 2) {
    mapped.push(a * xy[i] + c * xy[i + 1] + e, b * xy[i] + d * xy[i + 1] + f);
  }
  return mapped;
}

/** What a matrix does to lengths: factor, and whether it is the same in every direction. */
function svgStretch({ a, b, c, d }) {
  const size = a * a + b * b + c * c + d * d;
  const even = Math.abs(a * a + b * b - c * c - d * d) < 1e-6 * size && Math.abs(a * c + b * d) < 1e-6 * size;
  return { even, factor: Math.sqrt(Math.abs(a * d - b * c)) };
}

/** The angle that arc() walks, by the rules of a canvas: a whole turn at most, and the way round that was asked for. */
function svgTurn(from, to, back) {
  const whole = 2 * Math.PI;
  const asked = back ? from - to : to - from;
  const turn = asked >= whole ? whole : ((asked % whole) + whole) % whole;
  return back ? -turn : turn;
}

/** An arc as curves of a quarter turn at most; they leave the circle by less than 0.0003 of its radius. */
function svgArc(add, { x, y, rx, ry, rotation, from, turn }) {
  const [cos, sin] = [Math.cos(rotation), Math.sin(rotation)];
  const at = (u, v) => [x + rx * u * cos - ry * v * sin, y + rx * u * sin + ry * v * cos];
  const count = Math.max(1, Math.ceil(Math.abs(turn) / (Math.PI / 2) - 1e-9));
  const reach = (4 / 3) * Math.tan(turn / count / 4);
  add("L", ...at(Math.cos(from), Math.sin(from)));
  for (let i = 0; i < count && turn; i++) {
    const [a, b] = [from + (turn * i) / count, from + (turn * (i + 1)) / count];
    const leaving = at(Math.cos(a) - reach * Math.sin(a), Math.sin(a) + reach * Math.cos(a));
    const arriving = at(Math.cos(b) + reach * Math.sin(b), Math.sin(b) - reach * Math.cos(b));
    add("C", ...leaving, ...arriving, ...at(Math.cos(b), Math.sin(b)));
  }
}
