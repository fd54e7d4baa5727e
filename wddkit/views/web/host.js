/**
 * The host of a view in a page: what a notebook's kernel is for a widget, in a few lines. `state` is what the page
 * holds of the view, its buffers in base64.
 */
function hosted(state) {
  for (const [name, text] of Object.entries(state.buffers)) {
    let data = null; // decoded when it is first looked at: a class that nobody opens costs nothing
    const get = () => (data ??= new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer));
    Object.defineProperty(state.buffers, name, { get, enumerable: true });
  }
  const listeners = new Map();
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const listener of [...(listeners.get(`change:${name}`) ?? [])]) listener();
    },
    save_changes() {},
    send() {},
    on: (event, listener) => listeners.set(event, (listeners.get(event) ?? new Set()).add(listener)),
    off: (event, listener) => listeners.get(event)?.delete(listener),
  };
}
