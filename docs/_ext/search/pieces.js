// Chinese, which has no spaces, cut into words.
"use strict";

(() => {
  const { asking, isHan, names, places, sections } = globalThis.siteSearch;

  /** How many pages hold letters. */
  const spread = (letters) =>
    new Set([...places(letters).keys()].map((number) => sections[number].url)).size;

  /** The name of a term, of three letters and more, that is one letter apart from a run. */
  function nearName(letters) {
    if (letters.length < 3 || places(letters).size) return undefined;
    return [...names.keys()].find((name) =>
      isHan(name) && name.length === letters.length &&
      [...name].filter((letter, i) => letter !== letters[i]).length === 1
    );
  }

  /** What letters are as one piece, and how well it is known: a name, a word that asks, a word. */
  function pieceOf(letters) {
    const size = letters.length;
    if (names.has(letters)) return { piece: letters, points: 10 * size };
    if (asking.has(letters)) return { piece: "", points: size === 1 ? 2 : 6 * size };
    const name = nearName(letters);
    if (name) return { piece: name, points: 2 * size };
    if (size === 1 || size > 4) return { piece: "", points: 0 };
    return { piece: letters, points: (size - 1) * Math.log(1 + spread(letters)) };
  }

  /** A run of Chinese in the pieces that are known best. */
  function pieces(run) {
    const best = [{ points: 0, list: [] }];
    for (let end = 1; end <= run.length; end += 1) {
      for (let start = Math.max(0, end - 8); start < end; start += 1) {
        const { piece, points } = pieceOf(run.slice(start, end));
        const sum = best[start].points + points;
        if (best[end] && best[end].points >= sum) continue;
        best[end] = { points: sum, list: piece ? [...best[start].list, piece] : best[start].list };
      }
    }
    return best.at(-1).list;
  }

  Object.assign(globalThis.siteSearch, { pieces });
})();
