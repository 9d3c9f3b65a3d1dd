// The page for addresses that do not exist speaks one language, if the address tells which;
// otherwise, and without JavaScript, all of them.
"use strict";

(() => {
  const sections = [...document.querySelectorAll("section")];
  const here = sections.find(({ dataset }) => location.pathname.includes(`/${dataset.folder}/`));
  if (!here) return;
  document.documentElement.lang = here.lang;
  for (const other of sections) if (other !== here) other.remove();
})();
