// The state in a page's address, so that a link shows the same thing; what makes no sense in one is left out. Only a
// page of its own has one: `page` is true there, and "part" of a view inside of somebody else's page.

const KEPT = ["step", "selected", "classes", "projection", "look", "picked", "real"]; // of a bookmark
const bookmarkOf = (model) => Object.fromEntries(KEPT.map((name) => [name, model.get(name)]));

const between = (low, value, high) => Math.max(low, Math.min(high, value));
const isPosition = (value) => Number.isInteger(value) && value >= 0;

/** What an address may tell of each part of the state: the value, mended if it can be; undefined if it cannot. */
const SENSE = {
  step: (value) => (Number.isFinite(value) ? Math.max(0, Math.round(value)) : undefined),
  selected: (value) => (value === -1 || isPosition(value) ? value : undefined),
  classes: (value, { classes }) => listed(value, (label) => isPosition(label) && label < classes.length),
  projection: (value) => (typeof value === "string" ? value : undefined),
  look: (value) => (value && typeof value === "object" ? sensibleLook(value) : undefined),
  picked: (value) => listed(value, isPosition),
  real: (value) => listed(value, isPosition),
};

const listed = (value, allowed) => (Array.isArray(value) ? value.filter(allowed) : undefined);

function sensibleLook(look) {
  const found = { ...LOOK };
  for (const name of Object.keys(LOOK)) if (typeof look[name] === typeof LOOK[name]) found[name] = look[name];
  const { k, x, y } = look.zoom ?? {};
  const zoomed = [k, x, y].every(Number.isFinite);
  found.zoom = zoomed ? { k: between(1, k, CLOSEST), x: between(-1, x, 1), y: between(-1, y, 1) } : null;
  return { ...found, angle: Number.isFinite(found.angle) ? found.angle : 0 };
}

function writeAddress(model) {
  if (model.get("page") !== true) return;
  const state = JSON.stringify(bookmarkOf(model));
  history.replaceState(null, "", `#${encodeURIComponent(state)}`);
}

/** Sets the state that a page's address tells, as far as it is one. */
function readAddress(model) {
  if (model.get("page") !== true || location.hash.length < 2) return;
  try {
    const state = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    const meta = model.get("meta") ?? model.get("metas")[0];
    for (const name of KEPT) {
      const value = name in state ? SENSE[name](state[name], meta) : undefined;
      if (value !== undefined) model.set(name, value);
    }
  } catch {
    // An address that somebody else wrote: the page opens as it is.
  }
}
