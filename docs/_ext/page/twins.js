// The link to the page as Markdown becomes a button that copies it, and says whether it could.
"use strict";

(() => {
  const place = document.querySelector(".page-twin");
  if (!place) return;
  const { copy, copied, folder, failed } = place.dataset;
  const link = place.querySelector("a");
  const button = document.createElement("button");
  button.type = "button";
  button.append(...link.childNodes);
  button.setAttribute("aria-label", copy);
  link.replaceWith(button);
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  place.append(said);

  /** Say a sentence; {0} in it is a link to the file. */
  function say(sentence) {
    const [before, after] = sentence.split("{0}");
    const file = document.createElement("a");
    file.href = link.href;
    file.textContent = decodeURIComponent(link.pathname).split("/").at(-1);
    said.replaceChildren(before, file, after);
  }

  /** Copy a text where the browser has no clipboard for scripts, as on a server without TLS. */
  function copyBySelection(text) {
    const area = document.createElement("textarea");
    area.className = "visually-hidden";
    area.value = text;
    place.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    button.focus();
    if (!done) throw new Error("the browser refused to copy");
  }

  async function read() {
    const answer = await fetch(link.href);
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return answer.text();
  }

  async function copyPage() {
    const reading = read();
    if (navigator.clipboard && globalThis.ClipboardItem) {
      // the promise is handed over while the click counts: some browsers forget it while reading
      const content = reading.then((text) => new Blob([text], { type: "text/plain" }));
      await navigator.clipboard.write([new ClipboardItem({ "text/plain": content })]);
    } else {
      copyBySelection(await reading);
    }
    return reading;
  }

  button.addEventListener("click", async () => {
    if (location.protocol === "file:") return say(folder);
    try {
      const text = await copyPage();
      const length = [...text].length.toLocaleString(document.documentElement.lang);
      said.textContent = copied.replace("{0}", length);
    } catch {
      say(failed);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") said.replaceChildren();
  });
})();
