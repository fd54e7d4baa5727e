// Around the features' picture: the switches over it, its key, and the picture in words.

/** The switches over the picture. */
function featureTools(run, act, zoom) {
  const circling = { "aria-pressed": "false", title: "circle points (or hold Shift)" };
  const circle = button("lasso", toggle, circling);
  const choose = () => act.project(list.value);
  const list = h("select", { style: "max-width: 100%", onchange: choose, "aria-label": "projection" });
  for (const { key, name } of run.projections) list.append(h("option", { value: key }, name));
  const inputs = switchesOf(run).map(([name, text, title]) => {
    const input = h("input", { type: "checkbox", onchange: () => act.look({ [name]: input.checked }) });
    return { name, input, node: h("label", { title }, input, ` ${text}`) };
  });
  let on = false;
  function toggle() {
    on = !on;
    circle.setAttribute("aria-pressed", String(on));
  }
  const named = (name, sign, onclick) => button(sign, onclick, { "aria-label": name, title: name });
  const zooms = h("span", { class: "wdd-zooms" },
    circle,
    named("zoom in", "+", () => zoom(1.4)),
    named("zoom out", "−", () => zoom(1 / 1.4)),
    named("show all", "⌂", () => act.look({ zoom: null })),
  );
  const projection = h("label", {}, "Projection ", list);
  return {
    node: h("div", { class: "wdd-row wdd-tools" }, projection, ...inputs.map(({ node }) => node), zooms),
    lasso: () => on,
    draw(state) {
      list.value = state.projection.key;
      for (const { name, input } of inputs) input.checked = Boolean(state.look[name]);
    },
  };
}

/** What can be switched on in the picture of a run: name, words, and what it means. */
function switchesOf(run) {
  const points = run.ways.length > 0;
  const both = points && run.realLabels.length > 0;
  const all = [
    [both, "plan", "its real images", "lines from the chosen support point to the real images that it stands for"],
    [true, "trails", "trails", "the way that each point took until now"],
    [run.far.length, "holes", "holes", "rings: the tenth of each class that is farthest from every support point"],
    [run.paired || run.live, "gap", "gap as colour", "squares coloured by their distance to their support points"],
    [both, "direction", "one direction", "a direction to drag, and the distribution along it below"],
  ];
  return all.filter(([there]) => there).map(([, ...words]) => words);
}

const counted = new WeakMap();

/** How many there are of each class, counted once: there may be sixty thousand. */
function countsOf(labels) {
  if (!counted.has(labels)) {
    const counts = new Map();
    labels.forEach((label) => counts.set(label, (counts.get(label) ?? 0) + 1));
    counted.set(labels, counts);
  }
  return counted.get(labels);
}

/** The picture in words, for those who do not see it. */
function featuresText(run, state) {
  const count = (labels) => [...countsOf(labels)].reduce((sum, [label, n]) => sum + (state.shows(label) ? n : 0), 0);
  const points = shownWays(run, state).reduce((sum, way) => sum + way.points, 0);
  const images = state.frame >= 0 ? count(run.labels) : 0;
  const chosen = state.row >= 0 ? ` Ring: ${imageName(run, state.row)}.` : "";
  return (
    `Features in two dimensions, ${state.projection.name}, at step ${state.number} (${state.phase}): ` +
    `${count(run.realLabels)} real images, ${points} support points and ${images} distilled images.${chosen} ` +
    "Keys: plus and minus zoom, arrows move, n and p choose the next and the one before."
  );
}

/** Which kinds of marks there are in the picture of a run: shape, name, and what one is. */
function marksOf(run) {
  const there = run.projections.length > 0;
  const placed = there && run.frames.length > 0 && run.xy(run.projections[0].key, 0).length > 0;
  const all = [
    [there && run.realLabels.length, "dot", "small mark", "a real image"],
    [placed, "square", "square", "a distilled image"],
    [there && run.ways.length, "disc", "disc",
      "a support point: a place among the features, not an image; area = mass, its share of the class"],
  ];
  return all.filter(([shown]) => shown).map(([, ...words]) => words);
}

/** The same in a line of text, for files. */
const marksText = (run) => marksOf(run).map(([, name, what]) => `${name}: ${what}`).join(".  ");

/** The same over the picture, for the eye. */
function marksKey(run) {
  const items = marksOf(run).map(([shape, name, what]) =>
    h("li", {},
      h("span", { class: `wdd-${shape}`, "aria-hidden": "true" }), h("span", {}, h("strong", {}, name), ` = ${what}`)));
  return h("ul", { class: "wdd-key wdd-marks-key" }, ...items);
}

/** What is switched on or chosen and so has to be told below the picture, too: a mark's class and what it means. */
function extrasOf(run, { look, support, real }) {
  const tenth = "a hole: a real image that is far from every support point, the farthest tenth of its class";
  const all = [
    [look.holes && run.far.length, "ring", tenth],
    [real.size, "ring", "a real image that you circled"],
    [look.plan && support, "way", "to a real image that the chosen support point stands for, by the transport plan"],
    [look.trails, "way", "behind a mark: the way that it took until now"],
  ];
  return all.filter(([there]) => there).map(([, ...words]) => words);
}

/** Below the picture: sizes for three masses, rings and lines, squares at its edge, and the scale of the gap. */
function featureKey(run, state, outside) {
  const items = [];
  if (run.ways.length) items.push(h("li", { style: "flex-wrap: wrap" }, "mass of a disc:", discKey(run)));
  for (const [shape, what] of extrasOf(run, state)) {
    const name = { ring: "ring", way: "thin line" }[shape];
    items.push(h("li", {}, h("span", { class: `wdd-${shape}`, "aria-hidden": "true" }), `${name} = ${what}`));
  }
  const hollow = h("span", { class: "wdd-square wdd-hollow", "aria-hidden": "true" });
  if (outside) items.push(h("li", {}, hollow, "hollow at the edge: a distilled image farther out than the picture"));
  if (state.look.gap && state.frame >= 0 && run.gaps) {
    const bar = h("span", { class: "wdd-ramp", role: "img", "aria-label": "from dark, near, to light, far" });
    bar.style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(ramp).join(", ")})`;
    const low = `gap to its support point, squared: ${short(run.gaps.low)} `;
    items.push(h("li", {}, low, bar, ` ${short(run.gaps.high)}`));
  }
  return h("ul", { class: "wdd-key" }, ...items);
}

function discKey(run) {
  const masses = [run.heaviest / 10, run.heaviest / 3, run.heaviest];
  const add = (tag, attributes, content = "") => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(content);
    return node;
  };
  const said = `discs of mass ${masses.map(short).join(", ")}`;
  const svg = add("svg", { class: "wdd-discs", role: "img", "aria-label": said });
  let x = 1;
  for (const mass of masses) {
    const [r, text] = [discRadius(run, mass), short(mass)];
    svg.append(add("circle", { cx: x + r, cy: LARGEST_DISC + 1, r }));
    svg.append(add("text", { x: x + 2 * r + 4, y: LARGEST_DISC + 5 }, text));
    x += 2 * r + 8 + 8 * text.length;
  }
  // In large type the picture is enlarged whole, and so are these: else their sizes would not be those of its discs.
  const height = 2 * LARGEST_DISC + 2;
  svg.setAttribute("viewBox", `0 0 ${x} ${height}`);
  svg.style.width = `calc(${x}px * var(--wdd-scale))`;
  svg.style.height = `calc(${height}px * var(--wdd-scale))`;
  return svg;
}
