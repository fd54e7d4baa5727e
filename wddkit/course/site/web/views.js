// The views of a page, each where its picture in words stands; `hosted` is that of wddkit/views/web/host.js.
"use strict";

globalThis.wddPage = (() => {
  const models = new Map();

  /** What waits in the page under a model's id: its element, and the ids of what it leads to. */
  function held(id) {
    const node = document.getElementById(`model-${id}`);
    return { ...node.dataset, text: node.textContent, more: node.dataset.more.split(" ").filter(Boolean) };
  }

  /** The model of a view: one for all its copies in the page. */
  function modelOf(id, view, text) {
    if (models.has(id)) return models.get(id);
    // "part": the page's address is not the view's own. `place` stands before the ids of its elements.
    const state = { ...JSON.parse(text), page: "part", place: `${id}-` };
    const model = hosted(state);
    models.set(id, model);
    globalThis.wddViews[view].initialize?.({ model });
    return model;
  }

  /** Draws what has this id into an element. */
  function mount(el, id) {
    const { kind, view, text, more } = held(id);
    if (kind === "unknown") el.append("This part works in a running notebook only.");
    if (kind === "replay") replay(el, id, JSON.parse(text));
    if (kind === "box") for (const each of more) mount(below(el), each);
    if (kind !== "view") return;
    const model = modelOf(id, view, text);
    globalThis.wddViews[view].render({ model, el });
    if (!more.length) return;
    const place = below(el);
    const unlock = () => {
      if (model.get("chosen") >= 0 && !place.childNodes.length) mount(place, more[0]);
    };
    model.on("change:chosen", unlock);
    unlock();
  }

  /** A slider over pictures that were all made beforehand. */
  function replay(el, id, { labels, name, at }) {
    const [slider, said, shown] = ["input", "output", "div"].map((tag) => document.createElement(tag));
    const show = () => {
      said.textContent = labels[slider.value];
      slider.setAttribute("aria-valuetext", labels[slider.value]);
      shown.replaceChildren(document.getElementById(`${id}-frame-${slider.value}`).content.cloneNode(true));
    };
    const label = document.createElement("label");
    Object.assign(label, { className: "replay" });
    Object.assign(slider, { type: "range", min: 0, max: labels.length - 1, value: at, oninput: show });
    label.append(`${name} `, slider, said);
    shown.className = "scroll";
    el.append(label, shown);
    show();
  }

  function below(el) {
    const node = document.createElement("div");
    el.append(node);
    return node;
  }

  function figure(el) {
    const { data, layout } = JSON.parse(document.getElementById(el.dataset.figure).textContent);
    globalThis.Plotly.newPlot(el, data, layout, { displaylogo: false });
  }

  /** Puts all views and figures into the page, each where its picture in words stands. */
  function begin() {
    for (const el of document.querySelectorAll(".view[data-model]")) {
      el.replaceChildren();
      mount(el, el.dataset.model);
    }
    for (const el of document.querySelectorAll(".plotly[data-figure]")) figure(el);
  }

  return { begin };
})();
