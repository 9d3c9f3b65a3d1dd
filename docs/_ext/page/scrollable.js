// What scrolls sideways can be reached by the keyboard, and so scrolled.
"use strict";

(() => {
  const SCROLLING = "pre, div.math, .table-wrapper, .cell_output table";
  const parts = [...document.querySelectorAll(SCROLLING)];
  const reach = (part) => {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  };
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) reach(target);
  });
  for (const part of parts) observer.observe(part);
  // a formula grows with its font while its frame stays
  document.fonts.addEventListener("loadingdone", () => parts.forEach(reach));
})();
