// What the charts of a sweep share: a canvas with marks to point at and to go through by keys, frames, scales, colours.

const SWEEP_REACH = 12; // pixels around a mark that still mean it
const SWEEP_DIVERGING = [
  [127, 59, 8], [224, 130, 20], [253, 224, 182], [247, 247, 247], [216, 218, 235], [128, 115, 172], [45, 0, 75],
]; // from below zero (brown) to above (violet): PuOr of ColorBrewer, for every colour vision

/**
 * A chart. `paint(ctx, state, ink, width, height)` draws it and returns its marks, { x, y, rows, said }; `size(width,
 * state)` is its height, `sign(state)` all that it depends on, `choose(mark, event)` what a click or Enter does.
 */
function sweepPlot(act, { name, title, size, paint, sign, choose, told }) {
  const canvas = h("canvas", { class: `wdd-canvas wdd-plot wdd-${name}`, role: "img", tabindex: "0" });
  canvas.setAttribute("data-lm-suppress-shortcuts", "true");
  const voice = h("output", { class: "wdd-voice", "aria-live": "polite" });
  const tip = sweepTip(act);
  const sheet = h("div", { class: "wdd-sheet wdd-pointed" }, canvas, tip.node, voice);
  const plot = { marks: [], at: -1, drawn: "" };

  function draw(state, ink) {
    tip.again();
    const width = act.across(sheet);
    const key = [width, plot.at, sign(state, ink)].join();
    if (key === plot.drawn) return;
    plot.drawn = key;
    const height = size(width, state);
    const ctx = paper(canvas, width, height);
    plot.marks = paint(ctx, state, ink, width, height);
    const mark = plot.marks[plot.at];
    if (mark) ring(ctx, ink, () => ctx.arc(mark.x, mark.y, 10, 0, 2 * Math.PI));
    canvas.setAttribute("aria-label", `${told(state)} ${plot.marks.length} marks: arrow keys go through them.`);
  }

  const show = (mark) => (mark ? tip.show(mark, act.across(sheet)) : tip.hide());
  function to(at) {
    plot.at = at;
    show(plot.marks[at] ?? null);
    if (plot.marks[at]) say(voice, plot.marks[at].said);
    act.ask();
  }
  const hand = plotHand(plot, { to, show, choose, act });
  for (const [event, hear] of Object.entries(hand)) canvas.addEventListener(event, hear);
  return { node: sheet, draw, export_: { title, size, paint } };
}

/** What mouse and keyboard do to a chart. */
function plotHand(plot, { to, show, choose, act }) {
  const nearest = ([x, y]) => {
    const gaps = plot.marks.map((mark) => Math.hypot(mark.x - x, mark.y - y));
    const best = gaps.indexOf(Math.min(...gaps));
    return gaps[best] <= SWEEP_REACH ? plot.marks[best] : null;
  };
  return {
    pointermove: (event) => show(nearest(place(event))),
    pointerleave: () => show(null),
    blur: () => to(-1),
    click(event) {
      const mark = nearest(place(event));
      if (mark) choose(mark, event);
      else act.select([]);
    },
    keydown(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || !plotKey(plot, event, { to, choose, act })) return;
      event.preventDefault();
      event.stopPropagation();
    },
  };
}

/** What a key does in a chart; false: nothing. */
function plotKey(plot, event, { to, choose, act }) {
  const last = plot.marks.length - 1;
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (by) to(plot.at < 0 ? (by > 0 ? 0 : last) : Math.max(0, Math.min(last, plot.at + by)));
  else if (event.key === "Home" || event.key === "End") to(event.key === "Home" ? 0 : last);
  else if ((event.key === "Enter" || event.key === " ") && plot.marks[plot.at]) choose(plot.marks[plot.at], event);
  else if (event.key === "Escape") act.select([]);
  else return false;
  return true;
}

/** Beside the pointer: what a mark says, and the images of its run if it is of one. */
function sweepTip(act) {
  const picture = h("canvas", {});
  const text = h("div", {});
  const node = h("div", { class: "wdd-tip wdd-sweeptip", role: "tooltip", hidden: true }, picture, text);
  let row = null; // of the run whose images are to be seen
  const look = () => (picture.hidden = row === null || !act.strip(picture, row, 220));
  return {
    node,
    hide: () => (node.hidden = true),
    again: () => !node.hidden && picture.hidden && look(), // pictures come when they are decoded
    show({ x, y, rows, said }, width) {
      row = rows.length === 1 ? rows[0] : null;
      if (row !== null) act.want([act.runOf(row)]);
      look();
      say(text, said);
      node.hidden = false;
      const scale = enlarged(node);
      node.style.left = `${Math.max(0, Math.min(width * scale - 240, x * scale + 14))}px`;
      node.style.top = `${y * scale + 14}px`;
    },
  };
}

/** A colour on a scale of stops, at a share of its length. */
function sweepBlend(stops, share) {
  const at = Math.max(0, Math.min(1, share)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return stops[i].map((low, c) => Math.round(low + (at - i) * (stops[i + 1][c] - low)));
}

/** From values to colours: cividis from low to high, or around zero for a gain; `ink` is readable on them. */
function sweepColours(column, values) {
  const known = values.filter((value) => value != null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const far = Math.max(Math.abs(least), Math.abs(most)) || 1;
  const [low, high] = column.signed ? [-far, far] : [least, most];
  const stops = column.signed ? SWEEP_DIVERGING : CIVIDIS;
  const rgb = (value) => sweepBlend(stops, high > low ? (value - low) / (high - low) : 0.5);
  return {
    low, high, known: known.length,
    back: (value) => `rgb(${rgb(value).join(", ")})`,
    ink: (value) => (sweepLight(rgb(value)) > 0.179 ? "#000000" : "#ffffff"), // as contrasts are equal at 0.179
    stops: stops.map((stop) => `rgb(${stop.join(", ")})`),
  };
}

/** Relative luminance of a colour (WCAG). */
function sweepLight(rgb) {
  const linear = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

/** The range to draw means in: all of them, and of their intervals what is not far outside. */
function sweepRange(means) {
  const known = means.filter((mean) => mean.value != null);
  if (!known.length) return [0, 1];
  const values = known.map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.75 * (high - low || Math.abs(high) * 0.1 || 1);
  const ends = known.filter((mean) => mean.low != null);
  const least = Math.max(low - room, Math.min(low, ...ends.map((mean) => mean.low)));
  const most = Math.min(high + room, Math.max(high, ...ends.map((mean) => mean.high)));
  const pad = 0.06 * (most - least) || room / 4;
  return [least - pad, most + pad];
}

/** Horizontal lines at round values with their numbers, between left and right. */
function sweepGrid(ctx, ink, column, y, [low, high], left, right) {
  [ctx.strokeStyle, ctx.fillStyle, ctx.textAlign, ctx.lineWidth] = [ink.line, ink.soft, "right", 1];
  for (const value of ticks(low, high, 4)) {
    ctx.strokeRect(left, Math.round(y(value)) + 0.5, right - left, 0);
    ctx.fillText(short(value), left - 6, y(value));
  }
}

/** A mean's interval as a bar with ends; what goes on outside of the frame ends in an arrow. */
function sweepBar(ctx, x, mean, y, [low, high]) {
  if (mean.low == null) return;
  const [from, to] = [Math.max(low, mean.low), Math.min(high, mean.high)];
  ctx.beginPath();
  ctx.moveTo(x, y(from));
  ctx.lineTo(x, y(to));
  for (const [end, cut, way] of [[from, from > mean.low, -1], [to, to < mean.high, 1]]) {
    const back = cut ? 5 * way : 0;
    ctx.moveTo(x - 4, y(end) + back);
    if (cut) ctx.lineTo(x, y(end));
    ctx.lineTo(x + 4, y(end) + back);
  }
  ctx.stroke();
}

/** The ink of a field's level: colour and shape together tell it. */
function sweepMark(ctx, level, x, y, r) {
  [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [colourOf(level), colourOf(level), 2];
  mark(ctx, shapeOf(level), x, y, r);
}

/** The levels of a field with their colours and shapes, as a list; `more` says something of each. */
function sweepKey(field, levels = [...field.texts.keys()], more = () => "") {
  const entries = levels.map((level) => {
    const sample = h("canvas", { "aria-hidden": "true" });
    sweepMark(paper(sample, 14, 14, 1), level, 7, 7, 5);
    return h("li", {}, sample, `${field.texts[level]}${more(level)}`);
  });
  return [h("li", {}, `${field.short}:`), ...entries];
}

/** The same levels in one line of a saved picture. */
function paintKey(ctx, ink, field, levels, y, width) {
  let x = 0;
  const write = (text) => {
    [ctx.fillStyle, ctx.textAlign] = [ink.text, "left"];
    ctx.fillText(fitted(ctx, text, width - x), x, y);
    x += ctx.measureText(text).width + 14;
  };
  write(`${field.short}:`);
  for (const level of levels) {
    if (x > width - 40) return;
    sweepMark(ctx, level, x + 5, y, 5);
    x += 14;
    write(field.texts[level]);
  }
}

/** An empty chart that says why. */
function sweepNothing(ctx, ink, text, width, height) {
  [ctx.fillStyle, ctx.textAlign] = [ink.soft, "center"];
  ctx.fillText(fitted(ctx, text, width), width / 2, height / 2);
  return [];
}
