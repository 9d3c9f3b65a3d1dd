// The switch leads to the same section of the sister page, and the choice is kept.
"use strict";

(() => {
  const SECTIONS = "article section[id], article dt[id]";

  /** The place that the address names, if it is in the window. */
  function addressed() {
    const place = document.querySelector(":target");
    const top = place?.matches(SECTIONS) ? place.getBoundingClientRect().top : -1;
    return top >= 0 && top < window.innerHeight ? place.id : "";
  }

  /** The id of the section at the top of the window: the last that begins in its upper third. */
  function currentSection() {
    const sections = [...document.querySelectorAll(SECTIONS)];
    const limit = window.innerHeight / 3;
    const last = sections.filter((s) => s.getBoundingClientRect().top < limit).at(-1);
    return last && last !== sections[0] ? last.id : "";
  }

  function keep(language) {
    try {
      localStorage.setItem("cnnguide-language", language);
    } catch {
      // a private window keeps nothing
    }
  }

  for (const link of document.querySelectorAll(".language-switch a")) {
    link.addEventListener("click", () => {
      keep(link.hreflang);
      const section = addressed() || currentSection();
      link.hash = section ? `#${section}` : "";
      if (location.search) link.search = location.search; // a search goes along
    });
  }
})();
