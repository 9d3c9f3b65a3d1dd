// The theme that the reader has chosen, before anything is shown in another one.
"use strict";

(() => {
  let theme;
  try {
    theme = localStorage.getItem("theme");
  } catch {
    // a browser that keeps nothing
  }
  document.body.dataset.theme = theme || "auto";
})();
