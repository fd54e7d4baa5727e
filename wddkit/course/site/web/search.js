// The search: adds up weights that were computed beforehand (searching.py), and shows sections with the words marked.
"use strict";

globalThis.wddSearch = (() => {
  const MOST = 12; // results that are shown
  const AROUND = 70; // letters of a text on each side of its first word that was asked for

  /** The words of a text as the index has them. */
  const words = (text) =>
    text.toLowerCase().normalize("NFKD").replace(/\p{Mn}/gu, "").match(/[\p{L}\p{N}]+/gu) ?? [];

  /** Word of the index -> its share of being meant by an asked word: it is the same, or begins so. */
  function meant(asked, terms) {
    const found = new Map();
    for (const term of Object.keys(terms)) if (term.startsWith(asked)) found.set(term, asked.length / term.length);
    return found;
  }

  /** Sections that were found, best first: most of the asked words, then most weight. */
  function ranked(query, { sections, terms }) {
    const asked = [...new Set(words(query))];
    const scores = new Map();
    for (const word of asked) {
      const best = new Map();
      for (const [term, share] of meant(word, terms)) {
        const pairs = terms[term];
        for (let i = 0; i < pairs.length; i += 2) {
          best.set(pairs[i], Math.max(best.get(pairs[i]) ?? 0, share * pairs[i + 1]));
        }
      }
      for (const [section, weight] of best) {
        const score = scores.get(section) ?? { section, count: 0, weight: 0 };
        scores.set(section, { section, count: score.count + 1, weight: score.weight + weight });
      }
    }
    const order = (x, y) => y.count - x.count || y.weight - x.weight || x.section - y.section;
    return [...scores.values()].sort(order).map(({ section }) => sections[section]);
  }

  /** Where in a text a word stands that begins with an asked one: [start, end] each, of the text as it is written. */
  function places(text, asked) {
    const found = [];
    for (const match of text.matchAll(/[\p{L}\p{N}]+/gu)) {
      const own = words(match[0])[0] ?? "";
      const word = asked.find((each) => own.startsWith(each));
      if (word) found.push([match.index, match.index + match[0].length]);
    }
    return found;
  }

  /** A text cut down to what surrounds the first asked word, with all of them marked, as nodes. */
  function excerpt(text, asked) {
    const marks = places(text, asked);
    const first = marks[0]?.[0] ?? 0;
    const begin = first < AROUND ? 0 : text.lastIndexOf(" ", first - AROUND) + 1;
    const reach = text.indexOf(" ", first + 2 * AROUND);
    const end = reach < 0 ? text.length : reach;
    const nodes = [begin ? "… " : ""];
    let at = begin;
    for (const [from, to] of marks.filter(([from, to]) => from >= begin && to <= end)) {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(from, to);
      nodes.push(text.slice(at, from), mark);
      at = to;
    }
    return [...nodes, text.slice(at, end), end < text.length ? " …" : ""];
  }

  function item([page, title, heading, anchor, text], asked) {
    const link = document.createElement("a");
    link.href = `${page}.html${anchor ? `#${anchor}` : ""}`;
    const head = document.createElement("strong");
    head.append(...excerpt(heading || title, asked));
    const where = document.createElement("span");
    where.className = "where";
    where.textContent = heading && heading !== title ? title : "";
    const said = document.createElement("span");
    said.className = "said";
    said.append(...excerpt(text, asked));
    link.append(head, where, said);
    const node = document.createElement("li");
    node.append(link);
    return node;
  }

  /** Makes the field of the page search. */
  function begin(index) {
    const [field, panel, told] = ["asked", "found", "told"].map((id) => document.getElementById(id));
    const links = () => [...panel.querySelectorAll("a")];
    const open = (on) => (panel.hidden = !on);

    function show() {
      const asked = words(field.value);
      const found = ranked(field.value, index);
      const list = document.createElement("ol");
      list.append(...found.slice(0, MOST).map((section) => item(section, asked)));
      const none = document.createElement("p");
      none.textContent = `Nothing found for “${field.value.trim()}”. Try one word, or its beginning.`;
      panel.replaceChildren(found.length ? list : none);
      open(asked.length > 0);
      told.textContent = asked.length ? `${found.length} sections found` : "";
    }
    function move(by) {
      const all = links();
      const at = all.indexOf(document.activeElement) + by;
      if (at < 0) field.focus();
      else all[Math.min(at, all.length - 1)]?.focus();
    }
    field.addEventListener("input", show);
    field.addEventListener("focus", () => field.value && open(true));
    field.form.addEventListener("submit", (event) => {
      event.preventDefault();
      links()[0]?.click();
    });
    field.form.addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) event.preventDefault();
      if (by) move(by);
      if (event.key === "Escape") open((field.value = ""));
      if (event.key === "Escape") field.focus();
    });
    panel.addEventListener("click", (event) => event.target.closest("a") && open(false));
    document.addEventListener("click", (event) => field.form.contains(event.target) || open(false));
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, select, textarea, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.focus();
    });
  }

  return { words, ranked, begin };
})();
