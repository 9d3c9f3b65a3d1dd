// The sidebar begins where the reader is: the current page stands in the middle of it.
"use strict";

(() => {
  const scroller = document.querySelector(".sidebar-scroll");
  const current = scroller?.querySelector(".current-page > a");
  if (!current) return;
  const place = current.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  const top = scroller.scrollTop + place - scroller.clientHeight / 2;
  scroller.scrollTo({ top, behavior: "instant" });
})();
