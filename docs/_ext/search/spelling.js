// Words as they may be spelled: with a slip, or as on the other side of the Atlantic.
"use strict";

(() => {
  const { places, words } = globalThis.siteSearch;

  /** Whether two words are the same but for one letter: missing, more, other, or two exchanged. */
  function oneApart(a, b) {
    if (Math.abs(a.length - b.length) > 1 || a === b) return false;
    let start = 0;
    while (a[start] === b[start]) start += 1;
    let end = 1;
    while (a.at(-end) === b.at(-end) && end <= Math.min(a.length, b.length) - start) end += 1;
    const [left, right] = [a.slice(start, a.length - end + 1), b.slice(start, b.length - end + 1)];
    if (left.length === 2) return left === [...right].reverse().join("");
    return left.length < 2 && right.length < 2;
  }

  /** The word, or, where no page holds it, the commonest word that is one letter apart from it. */
  function mend(word) {
    if (!/^[a-z]{4,}$/.test(word) || places(word).size) return word;
    const near = [...words.keys()].filter((other) => oneApart(word, other));
    return near.sort((a, b) => words.get(b) - words.get(a))[0] ?? word;
  }

  /** A word as it may be spelled: -ise or -ize, -our or -or, 3x3 or 3 x 3. */
  function spellings(word) {
    const other = [
      word.replace(/is(?=[aei])/g, "iz"),
      word.replace(/iz(?=[aei])/g, "is"),
      word.replace(/our\b/g, "or"),
      word.replace(/olor/g, "olour"),
      word.replace(/(?<=\d)x(?=\d)/g, " x "),
    ];
    return [...new Set([word, ...other])];
  }

  Object.assign(globalThis.siteSearch, { mend, spellings });
})();
