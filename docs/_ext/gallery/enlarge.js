// A figure opens enlarged on the page; Escape, the button or a press beside it closes it.
"use strict";

(() => {
  const links = document.querySelectorAll("a.enlarge");
  if (!links.length || !globalThis.HTMLDialogElement) return; // then each leads to its file
  const dialog = document.createElement("dialog");
  const close = document.createElement("button");
  const frame = document.createElement("div");
  const image = new Image();
  dialog.className = "enlarged";
  close.type = "button";
  close.textContent = "×";
  frame.tabIndex = 0; // so that it can be scrolled by keyboard
  frame.append(image);
  dialog.append(close, frame);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.body.append(dialog);

  for (const link of links) {
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return; // a tab of its own
      event.preventDefault();
      const shown = link.querySelector("img");
      image.src = shown.src;
      image.alt = shown.alt;
      dialog.setAttribute("aria-label", shown.alt);
      close.setAttribute("aria-label", link.dataset.close);
      dialog.showModal(); // the focus comes back to the link when it closes
    });
  }
})();
