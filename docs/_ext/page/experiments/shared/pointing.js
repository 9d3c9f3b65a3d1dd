// Pointing at the pixels of a picture by mouse, touch and keyboard.

const STEPS = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  Home: [0, -1e3], // further than any picture is wide
  End: [0, 1e3],
};

/**
 * Let a reader point at the pixels of a canvas that fills `panel`.
 * @param {(row: number, column: number, buttons: number) => void} point  where the pointer is
 * @param {(down: number, right: number) => void} step  how far an arrow key, Home or End asks to go
 */
export function pointing(panel, canvas, point, step) {
  panel.tabIndex = 0;
  const locate = (event) => {
    const { left, top, width, height } = panel.getBoundingClientRect();
    const index = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
    const row = index((event.clientY - top) / height, canvas.height);
    const column = index((event.clientX - left) / width, canvas.width);
    point(row, column, event.buttons);
  };
  panel.addEventListener("pointermove", locate);
  panel.addEventListener("pointerdown", (event) => {
    panel.setPointerCapture(event.pointerId);
    locate(event);
  });
  panel.addEventListener("keydown", (event) => {
    if (!STEPS[event.key]) return;
    event.preventDefault();
    step(...STEPS[event.key]);
  });
}
