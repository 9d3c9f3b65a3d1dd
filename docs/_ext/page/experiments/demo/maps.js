// Maps of a network as pictures: class maps as light on the photograph, feature maps as tiles.

/** The two cells around a place of the enlarged map, and its distance from the first. */
function cellsAround(k, side, size) {
  const x = Math.min(Math.max(((k + 0.5) * side) / size - 0.5, 0), side - 1);
  const low = Math.min(Math.floor(x), side - 1);
  return [low, Math.min(low + 1, side - 1), x - low];
}

/** Enlarge a square map of side `side` to side `size`, linearly between its cells' middles. */
export function enlarge(map, side, size) {
  const large = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const [top, bottom, v] = cellsAround(i, side, size);
    for (let j = 0; j < size; j++) {
      const [left, right, u] = cellsAround(j, side, size);
      const upper = map[top * side + left] * (1 - u) + map[top * side + right] * u;
      const lower = map[bottom * side + left] * (1 - u) + map[bottom * side + right] * u;
      large[i * size + j] = upper * (1 - v) + lower * v;
    }
  }
  return large;
}

/** How bright each place is shown: from a quarter where nothing speaks for the class, to 1. */
export function brightness(map, side, size) {
  const large = enlarge(map, side, size);
  const most = Math.max(...large);
  return large.map((value) => 0.25 + 0.75 * (most > 0 ? Math.max(value, 0) / most : 0));
}

/** Draw `count` maps of side `side` as grey tiles, eight per row, each as bright as it can be. */
export function drawTiles(canvas, maps, count, side) {
  const context = canvas.getContext("2d");
  for (let k = 0; k < count; k++) {
    const tile = maps.subarray(k * side * side, (k + 1) * side * side);
    const most = Math.max(...tile) || 1;
    const image = context.createImageData(side, side);
    tile.forEach((value, p) => {
      const grey = (255 * value) / most;
      image.data.set([grey, grey, grey, 255], 4 * p);
    });
    context.putImageData(image, (k % 8) * (side + 1), Math.floor(k / 8) * (side + 1));
  }
}
