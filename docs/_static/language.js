// The switch goes to the same section of the sister page, and the choice is remembered.
"use strict";

/** The id of the section at the top of the window: the last one that begins above its upper third. */
function currentSection() {
  const sections = [...document.querySelectorAll("article section[id], article dt[id]")];
  const above = sections.filter((s) => s.getBoundingClientRect().top < window.innerHeight / 3);
  const last = above.at(-1);
  return last && last !== sections[0] ? last.id : "";
}

for (const link of document.querySelectorAll(".language-switch a")) {
  link.addEventListener("click", () => {
    try { localStorage.setItem("cnnguide-language", link.hreflang); } catch { /* private mode */ }
    const section = currentSection();
    link.hash = section ? `#${section}` : "";
    if (location.search) link.search = location.search; // a search goes along
  });
}
