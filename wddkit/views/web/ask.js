// A question with choices: one is kept, and what happens is compared with it.

let askCount = 0;

function render({ model, el }) {
  const name = `wdd-ask-${++askCount}`;
  const choices = model.get("choices");
  const boxes = choices.map((text, i) =>
    h("input", { type: "radio", name, value: i, onchange: () => (keep.disabled = false) }),
  );
  const keep = button("Keep my prediction", () => {
    model.set("chosen", boxes.findIndex((box) => box.checked));
    model.save_changes();
    show();
    compare.focus();
  }, { class: "wdd-main", disabled: true });
  const kept = h("p", { role: "status" });
  const compare = button("Compare with what happens", () => {
    say(outcome, askOutcome(model));
    compare.setAttribute("aria-expanded", "true");
  }, { "aria-expanded": "false" });
  const outcome = h("p", { class: "wdd-outcome", role: "status" });
  const after = h("div", { hidden: true }, kept, compare, outcome);
  const root = h("section", { class: "wdd wdd-ask", "aria-label": "prediction" },
    h("fieldset", {},
      h("legend", {}, h("strong", {}, "Predict first: "), model.get("question")),
      ...boxes.map((box, i) => h("label", {}, box, ` ${choices[i]}`)),
    ),
    keep,
    after,
  );
  function show() {
    const chosen = model.get("chosen");
    const done = chosen >= 0;
    boxes.forEach((box, i) => Object.assign(box, { checked: i === chosen || (!done && box.checked), disabled: done }));
    [keep.hidden, after.hidden] = [done, !done];
    compare.hidden = model.get("answer") < 0 && !model.get("because");
    const see = model.get("below") ? " Now try it below, then compare." : "";
    if (done) say(kept, `You predicted: ${askSentence(choices[chosen])}${see}`);
  }
  const unfollow = followTheme((theme) => (root.dataset.theme = theme));
  model.on("change:chosen", show);
  show();
  el.append(root);
  return () => {
    unfollow();
    model.off("change:chosen", show);
  };
}

/** The choice with a full stop, unless it has one. */
const askSentence = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** How the prediction compares, in words. */
function askOutcome(model) {
  const [answer, because] = [model.get("answer"), model.get("because")];
  if (answer < 0) return because;
  const right = answer === model.get("chosen");
  const first = right ? "✓ As you predicted." : `≠ Not as you predicted: ${askSentence(model.get("choices")[answer])}`;
  return `${first} ${because}`;
}

export default { render };
