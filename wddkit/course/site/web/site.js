// What every page does: light or dark, the contents on a narrow screen, the search, and the views.
"use strict";

(() => {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const wide = window.matchMedia("(min-width: 900px)");
  const button = document.querySelector(".theme");
  const menu = document.querySelector(".side details");

  // A page on a disk may be refused a memory: then the choice holds for this page alone.
  function remembered() {
    try {
      return localStorage.getItem("wdd-theme");
    } catch {
      return null;
    }
  }
  function remember(theme) {
    try {
      localStorage.setItem("wdd-theme", theme);
    } catch {
      // see above
    }
  }
  function paint(theme) {
    const dark = theme === "dark";
    document.documentElement.dataset.theme = theme;
    document.body.dataset.jpThemeLight = String(!dark); // where the views look for it
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `switch to ${dark ? "light" : "dark"} colours`);
  }
  const now = () => remembered() ?? (system.matches ? "dark" : "light");

  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    remember(theme);
    paint(theme);
  });
  system.addEventListener("change", () => paint(now()));
  paint(now());

  const fold = () => (menu.open = wide.matches);
  wide.addEventListener("change", fold);
  fold();
  menu.addEventListener("click", (event) => event.target.closest("a") && fold());

  globalThis.wddSearch.begin(globalThis.wddIndex);
  globalThis.wddPage.begin();
})();
