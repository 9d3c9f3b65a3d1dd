// The contents of the site and of the page, where they are folded away: what opens them becomes a
// button, which the keyboard reaches; Escape, or Tab beyond their end, folds them away again.
"use strict";

(() => {
  const DRAWERS = { __navigation: ".sidebar-drawer", __toc: ".toc-drawer" };

  /** A button in the place of a label that clicks a box which the keyboard does not reach. */
  function buttonFor(box, label) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = label.className;
    button.setAttribute("aria-label", box.getAttribute("aria-label"));
    button.append(...label.childNodes);
    button.addEventListener("click", () => box.click());
    label.replaceWith(button);
    return button;
  }

  for (const [name, selector] of Object.entries(DRAWERS)) {
    const box = document.getElementById(name);
    const drawer = document.querySelector(selector);
    const labels = document.querySelectorAll(`label[for="${name}"]:not(.overlay)`);
    const buttons = [...labels].map((label) => buttonFor(box, label));
    const tell = () =>
      buttons.forEach((button) => button.setAttribute("aria-expanded", box.checked));
    tell();
    box.addEventListener("change", () => {
      tell();
      const first = (elements) => elements.find((element) => element.checkVisibility());
      if (box.checked) first([...drawer.querySelectorAll("a")])?.focus();
      else if (drawer.contains(document.activeElement)) first(buttons)?.focus();
    });
    drawer.addEventListener("focusout", ({ relatedTarget }) => {
      if (box.checked && relatedTarget && !drawer.contains(relatedTarget)) box.click();
    });
    document.addEventListener("keydown", ({ key }) => {
      if (key === "Escape" && box.checked) box.click();
    });
  }
})();
