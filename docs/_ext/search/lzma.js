// Unpack the index, which is packed by LZMA: that looks back over the whole text, gzip over 32 KiB.
"use strict";

(() => {
  /** The numbers that the range coder counts with: each bit's chance to be 0, of 2048. */
  const chances = (count) => new Uint16Array(count).fill(1024);

  /** The coder of one kind of lengths: a short, a middle and a long tree, and which of them. */
  const lengths = () => ({
    choice: chances(2),
    short: chances(8),
    middle: chances(8),
    long: chances(256),
  });

  /**
   * The bytes of a raw LZMA stream with lc 3, lp 0 and pb 0, as `packing.py` packs it.
   *
   * The names are those of the LZMA specification by Igor Pavlov.
   */
  function unpackedBytes(bytes, size) {
    const out = new Uint8Array(size);
    const literal = chances(0x300 << 3);
    const [isMatch, isRep, isRepG0, isRepG1, isRepG2, isRep0Long] = Array.from(
      { length: 6 },
      () => chances(12),
    );
    const slots = chances(4 * 64);
    const special = chances(115);
    const align = chances(16);
    const [matchLength, repLength] = [lengths(), lengths()];
    let [range, code, at] = [0xffffffff, 0, 1];
    while (at < 5) code = (code << 8 | bytes[at++]) >>> 0;

    const normalise = () => {
      if (range >= 0x1000000) return;
      range = (range << 8) >>> 0;
      code = (code << 8 | bytes[at++]) >>> 0;
    };
    const bit = (table, place) => {
      const chance = table[place];
      const bound = (range >>> 11) * chance;
      const found = code < bound ? 0 : 1;
      if (found) {
        range -= bound;
        code -= bound;
        table[place] = chance - (chance >>> 5);
      } else {
        range = bound;
        table[place] = chance + ((2048 - chance) >>> 5);
      }
      normalise();
      return found;
    };
    const direct = (count) => {
      let found = 0;
      for (; count; count -= 1) {
        range >>>= 1;
        const one = code >= range;
        if (one) code -= range;
        found = found * 2 + Number(one);
        normalise();
      }
      return found;
    };
    const tree = (table, offset, count) => {
      let place = 1;
      for (let k = 0; k < count; k += 1) place = place * 2 + bit(table, offset + place);
      return place - (1 << count);
    };
    const reversed = (table, offset, count) => {
      let [place, found] = [1, 0];
      for (let k = 0; k < count; k += 1) {
        const next = bit(table, offset + place);
        place = place * 2 + next;
        found += next << k;
      }
      return found;
    };
    const lengthOf = ({ choice, short, middle, long }) => {
      if (!bit(choice, 0)) return tree(short, 0, 3);
      return bit(choice, 1) ? 16 + tree(long, 0, 8) : 8 + tree(middle, 0, 3);
    };
    const distanceOf = (length) => {
      const slot = tree(slots, 64 * Math.min(length, 3), 6);
      if (slot < 4) return slot;
      const count = (slot >> 1) - 1;
      const start = (2 | slot & 1) << count;
      if (slot < 14) return start + reversed(special, start - slot, count);
      return start + direct(count - 4) * 16 + reversed(align, 0, 4);
    };

    let [state, end] = [0, 0];
    let reps = [0, 0, 0, 0]; // the last four distances
    while (end < size) {
      if (!bit(isMatch, state)) {
        const offset = 0x300 * (end ? out[end - 1] >> 5 : 0);
        let symbol = 1;
        if (state >= 7) {
          let before = out[end - reps[0] - 1];
          while (symbol < 0x100) {
            const expected = before >> 7 & 1;
            before <<= 1;
            const found = bit(literal, offset + ((1 + expected) << 8) + symbol);
            symbol = symbol * 2 + found;
            if (found !== expected) break;
          }
        }
        while (symbol < 0x100) symbol = symbol * 2 + bit(literal, offset + symbol);
        out[end++] = symbol;
        state = state < 4 ? 0 : state - (state < 10 ? 3 : 6);
        continue;
      }
      let length = 0;
      if (!bit(isRep, state)) {
        length = lengthOf(matchLength);
        reps = [distanceOf(length), ...reps.slice(0, 3)];
        state = state < 7 ? 7 : 10;
      } else {
        const older = bit(isRepG0, state);
        if (!older && !bit(isRep0Long, state)) {
          out[end] = out[end - reps[0] - 1];
          end += 1;
          state = state < 7 ? 9 : 11;
          continue;
        }
        if (older) {
          const which = bit(isRepG1, state) ? 2 + bit(isRepG2, state) : 1;
          reps = [reps[which], ...reps.filter((_, k) => k !== which)];
        }
        length = lengthOf(repLength);
        state = state < 7 ? 8 : 11;
      }
      for (length += 2; length; length -= 1, end += 1) out[end] = out[end - reps[0] - 1];
    }
    return out;
  }

  // JSON in UTF-8, in LZMA, in base64.
  const { size, lzma } = globalThis.searchIndex;
  const packed = Uint8Array.from(atob(lzma), (letter) => letter.charCodeAt(0));
  globalThis.searchIndex = JSON.parse(new TextDecoder().decode(unpackedBytes(packed, size)));
})();
