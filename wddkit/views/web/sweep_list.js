// The list of runs: settings, images, numbers; sorted by any of them.

const SWEEP_PAGE = 20; // rows at once
const [STRIP_TILE, STRIP_GAP, STRIP_MOST] = [18, 2, 10]; // pixels and images of a strip
const LIST_HAND =
  "Images: the first of each class, of the first classes. Click a row to open its run, shift-click to compare; " +
  "click a heading to sort.";

/** The panel of the list. */
function listPanel(table, act) {
  const list = { table, act, sort: { name: "", down: true }, page: 0, only: false };
  const head = h("thead", {});
  const body = h("tbody", {});
  const grid = h("table", { class: "wdd-runs" }, head, body);
  const region = { class: "wdd-scroll", tabindex: "0", role: "region", "aria-label": "table of runs" };
  const scrolled = h("div", region, grid);
  const only = h("input", { type: "checkbox", onchange: () => act.ask((list.only = only.checked)) });
  const pages = h("span", { class: "wdd-hint", "aria-live": "polite" });
  const turn = (by) => () => act.ask((list.page += by));
  const [before, next] = [
    button("◀", turn(-1), { "aria-label": "runs before" }), button("▶", turn(1), { "aria-label": "next runs" }),
  ];
  const filter = h("label", {}, only, " only those selected");
  const bar = h("div", { class: "wdd-row wdd-tools" }, filter, before, next, pages);
  const caption = h("p", { class: "wdd-caption" }, LIST_HAND);
  const title = h("h3", {}, "Runs");
  const node = h("section", { class: "wdd-panel", "aria-label": "runs" }, title, bar, scrolled, caption);
  let [drawn, headed] = ["", ""];

  function draw(state) {
    const columns = listColumns(table, state);
    const rows = listRows(list, state, columns);
    const last = Math.max(0, Math.ceil(rows.length / SWEEP_PAGE) - 1);
    list.page = Math.max(0, Math.min(last, list.page));
    const seen = rows.slice(list.page * SWEEP_PAGE, (list.page + 1) * SWEEP_PAGE);
    act.want(seen.map((row) => table.runAt[row]));
    [before.hidden, next.hidden, before.disabled, next.disabled] = [!last, !last, list.page === 0, list.page === last];
    const paged = last ? `, page ${list.page + 1} of ${last + 1}` : "";
    say(pages, `${rows.length} run${rows.length === 1 ? "" : "s"}${paged}`);
    const heads = JSON.stringify([columns.map(({ name }) => name), list.sort]);
    if (heads !== headed) refocused(head, () => head.replaceChildren(listHead(list, columns)));
    headed = heads;
    const sign = [heads, seen, [...state.selected], state.opened, state.protocol].join("/");
    const made = () => seen.map((row) => listRow(list, state, columns, row));
    if (sign !== drawn) refocused(body, () => body.replaceChildren(...made()));
    drawn = sign;
    for (const canvas of body.querySelectorAll("canvas")) act.strip(canvas, Number(canvas.dataset.row));
  }
  return { node, draw };
}

/** Makes the inside of an element anew; what had the focus has it again, known by its label. */
function refocused(node, make) {
  const at = node.getRootNode().activeElement;
  const label = node.contains(at) ? at.getAttribute("aria-label") : null;
  make();
  const same = label && [...node.querySelectorAll("button, input")].find((each) => each.ariaLabel === label);
  same?.focus({ preventScroll: true });
}

/** Columns of the list: fields, the seed, the value shown, and what is asked for most. */
function listColumns(table, state) {
  const fields = [...table.fields.values()].map((field) => ({
    name: field.name, title: field.short, word: true,
    text: (row) => sweepText(field, row), order: (row) => field.at[row],
  }));
  const seedOf = (row) => table.seeds[row];
  const seed = { name: "seed", title: "seed", text: (row) => String(seedOf(row)), order: seedOf };
  const wanted = [state.value, "accuracy", "gain", "w2_squared_heldout", state.x.name, state.y.name];
  const numbers = [...new Set(wanted)].map((name) => table.columns.get(name)).filter(Boolean).map((column) => ({
    name: column.name, title: column.name, text: (row) => sweepNumber(column, column.values[row]),
    order: (row) => column.values[row], about: column.title,
  }));
  return [...fields, seed, ...numbers];
}

/** The rows in their order; what was not measured comes last. */
function listRows({ sort, only }, state, columns) {
  const rows = only ? state.shown.filter((row) => state.selected.has(row)) : [...state.shown];
  const column = columns.find(({ name }) => name === sort.name);
  if (!column) return rows;
  const way = sort.down ? -1 : 1;
  return rows.sort((a, b) => {
    const [p, q] = [column.order(a), column.order(b)];
    return p == null || q == null ? (p == null) - (q == null) : way * (p - q);
  });
}

function listHead(list, columns) {
  const heads = columns.map(({ name, title, about, word }) => {
    const sorted = list.sort.name === name;
    const arrow = sorted ? (list.sort.down ? " ▼" : " ▲") : "";
    const sort = () => list.act.ask((list.sort = { name, down: sorted ? !list.sort.down : !word }));
    const way = sorted ? (list.sort.down ? "descending" : "ascending") : "none";
    const broken = title.replaceAll("_", "_\u200b"); // where a long name may go on in the next line
    const node = button(`${broken}${arrow}`, sort, { class: "wdd-sort", "aria-label": `sort by ${title}` });
    return h("th", { scope: "col", title: about, "aria-sort": way }, node);
  });
  const before = ["", "", "images"].map((text) => h("th", { scope: "col" }, text));
  return h("tr", {}, ...before, ...heads);
}

function listRow({ table, act }, state, columns, row) {
  const name = sweepRun(table, row);
  const ticked = { type: "checkbox", checked: state.selected.has(row), "aria-label": `select ${name}` };
  const box = h("input", { ...ticked, onchange: () => act.toggle(row) });
  const own = { class: "wdd-canvas wdd-thumbs", role: "img", "aria-label": `images of ${name}`, "data-row": row };
  const strip = h("canvas", own);
  const there = table.there[table.runAt[row]];
  const images = there ? strip : h("span", { class: "wdd-hint" }, "not here");
  const open = button("open", (event) => choose(event), { "aria-label": `open ${name}` });
  function choose(event) {
    event.stopPropagation();
    act.choose([row], { beside: event.shiftKey });
  }
  const cells = columns.map(({ text, word }) => h("td", { class: word ? "wdd-word" : null }, text(row)));
  const marks = [state.selected.has(row) && "wdd-chosenrow", state.opened.includes(row) && "wdd-openrow"];
  const inner = [h("td", {}, box), h("td", {}, open), h("td", {}, images), ...cells];
  const click = (event) => event.target.closest("input, button") || choose(event);
  const key = (event) => {
    if (event.target !== open || event.key !== "Enter" || !event.shiftKey) return;
    event.preventDefault(); // in a notebook, it would run the cell
    choose(event);
  };
  return h("tr", { class: marks.filter(Boolean).join(" "), onclick: click, onkeydown: key }, ...inner);
}
