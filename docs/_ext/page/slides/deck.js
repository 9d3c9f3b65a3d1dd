// Keys turn the slides; without this script they scroll.
const slides = [...document.querySelectorAll("section")];
const place = document.querySelector("main");
const STEPS = {
  ArrowRight: 1,
  ArrowDown: 1,
  PageDown: 1,
  " ": 1,
  ArrowLeft: -1,
  ArrowUp: -1,
  PageUp: -1,
  Home: -slides.length,
  End: slides.length,
};

function current() {
  return Math.round(place.scrollTop / place.clientHeight);
}

addEventListener("keydown", (event) => {
  const back = event.key === " " && event.shiftKey; // as on every page that scrolls
  const step = back ? -1 : STEPS[event.key];
  if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const k = Math.max(0, Math.min(slides.length - 1, current() + step));
  place.scrollTo(0, slides[k].offsetTop);
  history.replaceState(null, "", `#${k + 1}`);
});
place.focus();
