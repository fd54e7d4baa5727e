// Brushes on the axes of the parallel coordinates, by mouse and by keys.

const BRUSH_REACH = 22; // pixels beside an axis that still mean it
const BRUSH_STEPS = 40; // of a value's axis that one press of a key moves

/** Two handles to every axis, and dragging along it. */
function brushHandles(table, act, { canvas, handles }) {
  const now = { axes: [], state: null, hand: null };
  const made = new Map(); // by axis
  const axisAt = ([x]) => now.axes.find((axis) => Math.abs(axis.x - x) <= BRUSH_REACH);
  canvas.addEventListener("pointerdown", (event) => {
    const axis = axisAt(place(event));
    if (!axis || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    now.hand = { axis, from: place(event)[1], moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    const [, y] = place(event);
    canvas.style.cursor = axisAt(place(event)) ? "ns-resize" : "default";
    if (!now.hand) return;
    now.hand.moved ||= Math.abs(y - now.hand.from) > 3;
    if (now.hand.moved) act.brush(now.hand.axis.name, brushBetween(now.hand.axis, now.hand.from, y));
  });
  canvas.addEventListener("pointerup", () => {
    if (now.hand && !now.hand.moved) act.brush(now.hand.axis.name, null);
    now.hand = null;
  });
  canvas.addEventListener("pointercancel", () => (now.hand = null));

  function pairOf(name) {
    if (!made.has(name)) made.set(name, ["lowest", "highest"].map((end) => brushHandle(act, now, name, end)));
    return made.get(name);
  }
  return {
    draw(state, axes) {
      Object.assign(now, { axes, state });
      const wanted = axes.flatMap((axis) => pairOf(axis.name).map((handle) => handle.node));
      if (wanted.some((node, i) => handles.children[i] !== node) || handles.children.length !== wanted.length) {
        const focused = handles.getRootNode().activeElement;
        handles.replaceChildren(...wanted);
        if (wanted.includes(focused)) focused.focus({ preventScroll: true });
      }
      for (const axis of axes) for (const handle of pairOf(axis.name)) handle.draw(axis, state.brush[axis.name]);
    },
  };
}

/** What a drag between two heights keeps of an axis: levels of a field, or [lowest, highest]; null: nothing. */
function brushBetween(axis, from, to) {
  const [low, high] = [axis.at(Math.max(from, to)), axis.at(Math.min(from, to))];
  if (axis.column) {
    const inside = [Math.max(axis.low, low), Math.min(axis.high, high)];
    return inside[0] <= inside[1] ? inside : null;
  }
  const levels = axis.field.levels.filter((_, i) => i >= Math.round(low) && i <= Math.round(high));
  return levels.length ? levels : null;
}

/** The ends of what is kept of an axis, as positions of levels or as values; those of the axis without a brush. */
function brushEnds(axis, kept) {
  if (axis.column) return kept ?? [axis.low, axis.high];
  const places = kept?.map((level) => axis.field.levels.indexOf(level)) ?? [];
  return places.length ? [Math.min(...places), Math.max(...places)] : [0, axis.count - 1];
}

/** One end of a brush: a slider that arrow keys move and a pointer drags. */
function brushHandle(act, now, name, end) {
  const which = end === "lowest" ? 0 : 1;
  const node = h("div", {
    class: `wdd-brush wdd-brush-${end}`, role: "slider", tabindex: "0", "aria-orientation": "vertical",
    "data-lm-suppress-shortcuts": "true",
  });
  const axisNow = () => now.axes.find((axis) => axis.name === name);
  const set = (axis, value) => act.brush(name, brushMoved(axis, now.state.brush[name], which, value));
  node.addEventListener("keydown", (event) => {
    const axis = axisNow();
    const ends = brushEnds(axis, now.state.brush[name]);
    const [low, high] = axis.column ? [axis.low, axis.high] : [0, axis.count - 1];
    const step = axis.column ? (high - low) / BRUSH_STEPS : 1;
    const arrows = { ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step };
    const moves = { ...arrows, PageUp: 5 * step, PageDown: -5 * step };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) set(axis, ends[which] + moves[event.key]);
    else if (event.key === "Home" || event.key === "End") set(axis, event.key === "Home" ? low : high);
    else if (event.key === "Escape" || event.key === "Delete") act.brush(name, null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("pointerdown", (event) => !event.button && node.setPointerCapture(event.pointerId));
  node.addEventListener("pointermove", (event) => {
    if (!node.hasPointerCapture(event.pointerId)) return;
    const axis = axisNow();
    const box = node.parentElement.getBoundingClientRect();
    const value = axis.at((event.clientY - box.top) / enlarged(node));
    set(axis, axis.column ? value : Math.round(value));
  });
  return { node, draw: (axis, kept) => drawHandle(node, axis, kept, which, end) };
}

/** What is kept once an end has moved: within the axis, not past the other end; null once it is all of the axis. */
function brushMoved(axis, kept, which, value) {
  const ends = [...brushEnds(axis, kept)];
  const [low, high] = axis.column ? [axis.low, axis.high] : [0, axis.count - 1];
  const [least, most] = which === 0 ? [low, ends[1]] : [ends[0], high];
  ends[which] = Math.max(least, Math.min(most, value));
  const tiny = axis.column ? 1e-9 * (high - low) : 0;
  if (ends[0] <= low + tiny && ends[1] >= high - tiny) return null;
  return axis.column ? ends : axis.field.levels.slice(ends[0], ends[1] + 1);
}

function drawHandle(node, axis, kept, which, end) {
  const value = brushEnds(axis, kept)[which];
  const half = axis.field ? AXES_TALL / axis.count / 2 : 0;
  const y = axis.y(axis.column ? Math.max(axis.low, Math.min(axis.high, value)) : value) + (which === 0 ? half : -half);
  const scale = enlarged(node);
  node.style.left = `${axis.x * scale}px`;
  node.style.top = `${y * scale}px`;
  node.dataset.set = String(Boolean(kept));
  const [low, high] = axis.column ? [axis.low, axis.high] : [0, axis.count - 1];
  const text = axis.column ? short(value) : axis.field.texts[value];
  const range = { valuemin: low, valuemax: high, valuenow: value, valuetext: text };
  const told = { label: `${end} of ${axis.title} kept`, ...range };
  for (const [name, each] of Object.entries(told)) node.setAttribute(`aria-${name}`, String(each));
}
