// A term shows its definition on hover, on focus and at a long press, and Escape takes it away.
"use strict";

(() => {
  const tip = document.createElement("div");
  tip.className = "definition";
  tip.id = "definition";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let term = null;
  let leaving = 0;

  const hide = () => {
    clearTimeout(leaving);
    term?.removeAttribute("aria-describedby");
    term = null;
    tip.hidden = true;
  };
  // Below the link's first line, or above it where there is no room, and inside the window.
  const place = () => {
    const at = term.getClientRects()[0] ?? term.getBoundingClientRect();
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(at.left, room))}px`;
    const below = at.bottom + 4;
    const fits = below + tip.offsetHeight <= window.innerHeight;
    tip.style.top = `${fits ? below : Math.max(4, at.top - tip.offsetHeight - 4)}px`;
  };
  const show = (link) => {
    clearTimeout(leaving);
    if (link === term) return;
    hide();
    term = link;
    tip.textContent = link.dataset.definition;
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    place();
  };
  // The pointer may wander onto the definition, to read or to copy it; one that was asked for by
  // keyboard stays as long as its term has the focus.
  const leave = () => {
    clearTimeout(leaving);
    leaving = setTimeout(() => {
      if (term !== document.activeElement) hide();
    }, 200);
  };

  for (const link of document.querySelectorAll("a[data-definition]")) {
    link.addEventListener("pointerenter", () => show(link));
    link.addEventListener("pointerleave", leave);
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", hide);
  }
  tip.addEventListener("pointerenter", () => clearTimeout(leaving));
  tip.addEventListener("pointerleave", leave);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  // Tabbing to a term scrolls to it: its definition goes along; a pointer is left behind.
  const scrolled = () => {
    if (!term) return;
    if (term === document.activeElement) place();
    else hide();
  };
  globalThis.addEventListener("scroll", scrolled, { passive: true, capture: true });
})();
