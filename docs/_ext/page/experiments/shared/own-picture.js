// A picture of the reader's own: chosen, dropped or pasted; and the way back to the first one.
import { button } from "./controls.js";
import { controlRow, element } from "./elements.js";
import { picture } from "./pictures.js";
import { isCutShort } from "./whole.js";

/** An SVG with the size of its viewBox if it has no other; a browser would cut it to 300×150. */
function sized(text) {
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const [, , width, height] = (svg.getAttribute("viewBox") ?? "").trim().split(/[\s,]+/);
  const isSized = ["width", "height"].every((name) => /^[\d.]+/.test(svg.getAttribute(name) ?? ""));
  const isShare = svg.getAttribute("width")?.endsWith("%");
  if (height && (!isSized || isShare)) {
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
  }
  return new XMLSerializer().serializeToString(svg);
}

/** Read a file as pixels of a size; null if its end is missing. */
async function read(file, size) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (isCutShort(bytes)) return null;
  const isSvg = file.type === "image/svg+xml";
  const content = isSvg ? sized(new TextDecoder().decode(bytes)) : bytes;
  const address = URL.createObjectURL(new Blob([content], { type: file.type }));
  try {
    return await picture(address, size);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * The controls for it.
 * @param {{place: HTMLElement, size: object, use: Function, back: Function, say: Function}} options
 *   `place` is where a picture may be dropped, `size` the {width, height} that is wanted,
 *   `use` gets the pixels, `back` returns to the first picture, `say` shows a sentence
 * @returns {{node: HTMLElement, forget: () => void}} `forget` is to be called when another picture
 *   than the reader's own is shown
 */
export function ownPicture(gettext, { place, size, use, back, say }) {
  let last; // the file that was chosen last, which may be read faster than one before

  async function open(file) {
    last = file;
    let image;
    try {
      image = await read(file, size);
    } catch {
      if (file === last) say(gettext("The browser cannot read this file as a picture."));
      return;
    }
    if (file !== last) return;
    if (image === null) {
      say(gettext("This picture is cut short: the end of the file is missing."));
      return;
    }
    say("");
    again.hidden = false;
    use(image);
  }

  function forget() {
    last = undefined;
    again.hidden = true;
  }

  const control = element("input", { type: "file", accept: "image/*" });
  control.addEventListener("change", () => {
    if (control.files[0]) open(control.files[0]);
    control.value = ""; // so that the same file can be chosen again
  });
  const hasFiles = (event) => event.dataTransfer.types.includes("Files");
  place.addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  place.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    open(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (!file || event.target.closest("input:not([type=file]), textarea")) return;
    event.preventDefault();
    open(file);
  });
  const again = button(gettext("Back to the first picture"), () => {
    forget();
    say("");
    back();
    control.focus();
  });
  again.hidden = true;
  // The browser's own words for a file input are in the browser's language, not in the page's.
  const label = element(
    "label",
    { className: "experiment-file" },
    gettext("Your own picture (it does not leave your device)"),
    control,
  );
  const hint = element(
    "p",
    { className: "experiment-hint" },
    gettext("Or drop or paste one here."),
  );
  return { node: controlRow("", label, again, hint), forget };
}
