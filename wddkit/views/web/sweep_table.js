// A sweep's table as the browser has it, and its numbers: means over seeds with their intervals, rank correlation.

const SWEEP_NORMAL = 1.959963984540054; // of a 95 % interval

/** The table with what is looked up often: fields and columns by name, which rows a run has, seeds of each setting. */
function decodeSweep(sent) {
  const fields = new Map(sent.fields.map((field) => [field.name, field]));
  const columns = new Map(sent.columns.map((column) => [column.name, column]));
  const numeric = sent.fields.filter((field) => field.numeric).map((field) => ({
    name: field.name, title: field.short, values: field.at.map((level) => field.levels[level]), field,
  }));
  const numbers = new Map([...columns, ...numeric.map((each) => [each.name, each])]);
  const varying = sent.fields.filter((field) => field.levels.length > 1);
  return { ...sent, fields, columns, numbers, varying, count: sent.seeds.length };
}

/** The text of a row's level of a field. */
const sweepText = (field, row) => field.texts[field.at[row]];

/** A row's setting in words, or only what `fields` say of it. */
function sweepSetting(table, row, fields = [...table.fields.values()]) {
  return fields.map((field) => `${field.short} ${sweepText(field, row)}`).join(", ") || "the config itself";
}

/** A run in words: its setting and its seed. */
const sweepRun = (table, row) => `${sweepSetting(table, row)}, seed ${table.seeds[row]}`;

/** Three digits, zeros at the end too, so that numbers below each other are compared at a glance. */
function sweepDigits(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) || size >= 100) return value.toFixed(0);
  return size && size < 0.001 ? value.toExponential(1) : value.toPrecision(3);
}

/** A value in few characters: percent with one decimal, gains with their sign, others in three digits. */
function sweepNumber(column, value) {
  if (value == null || !Number.isFinite(value)) return "–";
  if (!column.percent) return sweepDigits(value).replace("-", "−");
  const text = value.toFixed(1);
  if (Number(text) === 0) return "0.0";
  return column.signed && value > 0 ? `+${text}` : text.replace("-", "−");
}

/** A column's title with its first letter large, as a heading. */
const sweepTitle = ({ title }) => title.charAt(0).toUpperCase() + title.slice(1);

/** Rows under a protocol whose fields have these levels. */
function sweepRows(table, protocol, fixed) {
  const place = table.protocols.indexOf(protocol);
  const wanted = Object.entries(fixed).map(([name, level]) => {
    const field = table.fields.get(name);
    return [field, field.levels.indexOf(level)];
  });
  const found = [];
  for (let row = 0; row < table.count; row++) {
    if (table.protocolAt[row] === place && wanted.every(([field, at]) => field.at[row] === at)) found.push(row);
  }
  return found;
}

/** Rows by the level that they have of a field; of no field, all in one. */
function sweepLevels(field, rows) {
  if (!field) return [rows];
  const found = field.levels.map(() => []);
  for (const row of rows) found[field.at[row]].push(row);
  return found;
}

const sweepAverage = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The mean of a column over rows, in which every setting counts alike, and its 95 % interval: of each seed that has all
 * of the settings the mean over them is taken, and the interval is Student's t over these. null: nothing is known.
 * `n`: seeds, 0 where none has all settings. `over`: "seeds", "students" (of a single run) or "".
 */
function sweepMean(table, rows, column) {
  const known = rows.filter((row) => column.values[row] != null);
  if (!known.length) return { value: null, low: null, high: null, n: 0, over: "", rows };
  const seeds = new Map();
  for (const row of known) {
    if (!seeds.has(table.seeds[row])) seeds.set(table.seeds[row], new Map());
    const own = seeds.get(table.seeds[row]);
    const setting = table.settings[row];
    if (!own.has(setting)) own.set(setting, []);
    own.get(setting).push(column.values[row]);
  }
  const settings = [...new Set(known.map((row) => table.settings[row]))];
  const whole = [...seeds.values()].filter((own) => own.size === settings.length);
  const paired = whole.map((own) => sweepAverage([...own.values()].map(sweepAverage)));
  if (!paired.length) {
    const bySetting = settings.map((setting) => {
      const those = [...seeds.values()].filter((own) => own.has(setting));
      return sweepAverage(those.map((own) => sweepAverage(own.get(setting))));
    });
    return { value: sweepAverage(bySetting), low: null, high: null, n: 0, over: "", rows };
  }
  return { value: sweepAverage(paired), n: paired.length, rows, ...sweepInterval(table, known, column, paired) };
}

/** The interval over the means of seeds; of a single run that over its students, where it is known. */
function sweepInterval(table, known, column, paired) {
  const n = paired.length;
  if (n > 1) {
    const mean = sweepAverage(paired);
    const spread = Math.sqrt(paired.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
    const half = (table.quantiles[n - 2] * spread) / Math.sqrt(n);
    return { low: mean - half, high: mean + half, over: "seeds" };
  }
  const pair = column.name === "accuracy" && known.length === 1 ? table.students[known[0]] : null;
  return pair ? { low: pair[0], high: pair[1], over: "students" } : { low: null, high: null, over: "" };
}

/** How many seeds stand behind a mean, in words. */
function sweepCount(mean) {
  if (!mean.rows.length) return "no run";
  if (mean.value == null) return "not measured";
  return { 0: "no seed in all", 1: "n = 1, students only" }[mean.n] ?? `n = ${mean.n}`;
}

/** Half of a mean's interval as text; "" for none. */
function sweepHalf(column, mean) {
  if (mean.low == null) return "";
  const half = (mean.high - mean.low) / 2;
  return `± ${column.percent ? half.toFixed(1) : String(Number(half.toPrecision(2)))}`;
}

/** A mean in a sentence. */
function sweepSaid(column, mean) {
  if (mean.value == null) return sweepCount(mean);
  const bounds = [mean.low, mean.high].map((value) => sweepNumber(column, value)).join(" to ");
  const interval = mean.low == null ? "no interval" : `95 % interval over ${mean.over} ${bounds}`;
  return `${sweepNumber(column, mean.value)}, ${interval}, ${sweepCount(mean)}`;
}

/** Ranks from 1, ties at their mean. */
function sweepRanks(values) {
  const order = [...values.keys()].sort((a, b) => values[a] - values[b]);
  const ranks = new Array(values.length);
  for (let i = 0; i < order.length;) {
    let end = i;
    while (end + 1 < order.length && values[order[end + 1]] === values[order[i]]) end++;
    for (let k = i; k <= end; k++) ranks[order[k]] = (i + end) / 2 + 1;
    i = end + 1;
  }
  return ranks;
}

/**
 * Spearman's rho of the pairs in which both numbers are known, with Fisher's 95 % interval, its standard error that of
 * Bonett and Wright (2000): sqrt((1 + rho^2 / 2) / (n - 3)). null: not defined.
 */
function sweepSpearman(x, y) {
  const known = [...x.keys()].filter((i) => x[i] != null && y[i] != null);
  const n = known.length;
  const [p, q] = [x, y].map((values) => sweepRanks(known.map((i) => values[i])));
  const middle = (n + 1) / 2;
  const product = (a, b) => a.reduce((sum, value, i) => sum + (value - middle) * (b[i] - middle), 0);
  const scale = Math.sqrt(product(p, p) * product(q, q));
  if (n < 3 || !scale) return { rho: null, low: null, high: null, n };
  const rho = Math.max(-1, Math.min(1, product(p, q) / scale));
  if (n < 4 || Math.abs(rho) > 1 - 1e-12) return { rho, low: null, high: null, n };
  const half = SWEEP_NORMAL * Math.sqrt((1 + rho ** 2 / 2) / (n - 3));
  return { rho, low: Math.tanh(Math.atanh(rho) - half), high: Math.tanh(Math.atanh(rho) + half), n };
}

/** Those of the rows that are within the brushes of all axes; none without a brush. */
function sweepBrushed(table, brush, rows) {
  const tests = Object.entries(brush).map(([name, kept]) => {
    const column = table.columns.get(name);
    const within = (value) => value != null && value >= kept[0] && value <= kept[1];
    if (column) return (row) => within(column.values[row]);
    const field = table.fields.get(name);
    return (row) => kept.includes(field.levels[field.at[row]]);
  });
  return tests.length ? rows.filter((row) => tests.every((test) => test(row))) : [];
}

/** The rows of the same runs under another protocol. */
function sweepUnder(table, rows, protocol) {
  const place = table.protocols.indexOf(protocol);
  const there = new Map();
  table.runAt.forEach((run, row) => table.protocolAt[row] === place && there.set(run, row));
  return rows.map((row) => there.get(table.runAt[row])).filter((row) => row !== undefined);
}
