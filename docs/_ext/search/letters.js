// Letters and words as they are compared: text and queries folded, and a query cut at its marks.
// A classic script, since modules do not load from a folder; each adds its part to `siteSearch`.
"use strict";

globalThis.siteSearch = {};

(() => {
  const [traditional, plain] = globalThis.searchIndex.simplified.map((text) => [...text]);
  const simplified = new Map(traditional.map((character, i) => [character, plain[i]]));
  const HAN = "\\u3400-\\u9fff";
  // The marks of sentences and of code part words: the index has the words of code without them.
  const MARKS = "，。；：？！、（）“”‘’《》…—,;:?!\"'`()\\[\\]{}<>=+*/@|&%^~#\\\\";
  const WORD = new RegExp(`[${HAN}]+|[^\\s${HAN}${MARKS}]+`, "g");
  const EDGES = /^[.-]+|[.-]+$/g;
  const HAN_RUN = new RegExp(`^[${HAN}]+$`);
  const FOLDED = new RegExp(`[A-Z]|[^\\0-\\x7f${HAN}]|[${traditional.join("")}]`, "gu");

  /** Full width as half, capitals as small, × as x, Traditional as Simplified; never longer. */
  function foldOne(character) {
    const plain = character.normalize("NFKC").toLowerCase().replace("×", "x");
    return plain.length === character.length ? simplified.get(plain) ?? plain : character;
  }

  const fold = (text) => text.replace(FOLDED, foldOne);

  /** The words of a query: runs of Chinese, and what stands between spaces and marks. */
  function wordsOf(query) {
    const sizes = fold(query).replace(/(?<=\d)\s*x\s*(?=\d)/g, "x");
    return (sizes.match(WORD) ?? []).map((word) => word.replace(EDGES, "")).filter(Boolean);
  }

  /** A word without its ending: what one and many, and doing and done, have in common. */
  function stem(word) {
    if (word.length < 4 || word.endsWith("ss") || !/^[a-z]+$/.test(word)) return word;
    const bare = word.replace(/(?:s|es|ing|ed)$/, "").replace(/(?:e|i|y)$/, "");
    return bare.length < (word.endsWith("s") ? 3 : 4) ? word : bare;
  }

  Object.assign(globalThis.siteSearch, {
    fold,
    wordsOf,
    stem,
    isHan: (word) => HAN_RUN.test(word),
  });
})();
