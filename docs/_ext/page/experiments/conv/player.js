// A button that plays an experiment, one step after the other, and the speed of it.
import { button, slider } from "../shared/controls.js";

/**
 * @param {() => void} next  takes a step
 * @param {() => void} change  is called when the reader has started or paused
 */
export function player(gettext, next, change) {
  let timer = 0;
  let pace = 1; // 2 · 4^pace steps per second
  const toggle = button(gettext("Play"), () => {
    play(!timer);
    change();
  });
  const speed = slider(gettext("Speed"), {
    min: 0,
    max: 3,
    value: pace,
    show: (value) => gettext("{0} pixels per second", 2 * 4 ** value),
  }, (value) => {
    pace = value;
    play(timer);
  });

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(next, 500 / 4 ** pace) : 0;
    toggle.textContent = on ? gettext("Pause") : gettext("Play");
  }

  return { toggle, speed, stop: () => play(false), isPlaying: () => timer !== 0 };
}
