// The root page leads on: to the language chosen before, else to the first that the browser asks
// for and the site has, else to English.
"use strict";

(() => {
  const links = [...document.querySelectorAll("main a")];
  const wished = [...navigator.languages];
  try {
    wished.unshift(localStorage.getItem("cnnguide-language") ?? "");
  } catch {
    // a private window keeps nothing
  }
  const base = (tag) => tag.toLowerCase().split("-")[0];
  const best = wished
    .map((tag) => links.find((link) => tag && base(link.hreflang) === base(tag)))
    .find(Boolean);
  location.replace((best ?? links[0]).href);
})();
