// What scrolls sideways can be reached, and so scrolled, by the keyboard.
"use strict";

{
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  const scrolling = "pre, div.math, .table-wrapper, .cell_output table";
  for (const part of document.querySelectorAll(scrolling)) watch.observe(part);
}
