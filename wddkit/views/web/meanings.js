// What the words of these views mean, a sentence to each, for who sees them for the first time.

const MEANINGS = {
  teacher: "A network trained on the real images; its last layer before the classes turns an image into features.",
  feature: "One of the numbers that the teacher gives an image; together they are its place, drawn in two dimensions.",
  "support point": "A place among the features that stands for a share of a class, its mass; it is no image.",
  barycenter: "The few support points, with masses, that together lie closest in W2 to all real images of a class.",
  "transport plan": "Which real image gives how much of its mass to which support point, as cheaply as possible.",
  "squared W2": "The cost of the best plan: the mean squared distance over which mass is moved; 0 means the same.",
  "held-out": "Measured on real images that the support points were not fitted to.",
  "distilled image": "One of a few images made so that students learn from them as from all real ones.",
};

/** The words and their meanings, closed until somebody asks. */
function meaningsOf() {
  const entries = Object.entries(MEANINGS).flatMap(([word, meaning]) => [h("dt", {}, word), h("dd", {}, meaning)]);
  const list = h("dl", { style: "display: grid" }, ...entries);
  return { node: h("details", { class: "wdd-meanings" }, h("summary", {}, "What am I looking at?"), list), draw() {} };
}
