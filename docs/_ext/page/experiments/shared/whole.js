// Whether a picture's file is whole: a browser shows one that is cut short, with grey for the rest.

/** Whether a JPEG or a PNG ends before its last part does; of other files, browsers say so. */
export function isCutShort(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return !jpegEnds(bytes);
  if (bytes[0] === 0x89 && bytes[1] === 0x50) return !pngEnds(bytes);
  return false;
}

/** Go from marker to marker of a JPEG, and over the pixels between them, to the one of the end. */
function jpegEnds(bytes) {
  let at = 2;
  while (at < bytes.length - 1) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xff) at += 1; // pixels, or filling before a marker
    else if (marker === 0xd9) return true;
    else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2; // has no content
    else at += 2 + 256 * bytes[at + 2] + bytes[at + 3];
  }
  return false;
}

/** Go from chunk to chunk of a PNG to the one of the end; each has 12 bytes beside its content. */
function pngEnds(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 8;
  while (at + 12 <= bytes.length) {
    if (view.getUint32(at + 4) === 0x49454e44) return true; // IEND
    at += 12 + view.getUint32(at);
  }
  return false;
}
