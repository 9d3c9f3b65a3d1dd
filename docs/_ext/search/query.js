// What a query asks for: its words without those that only ask, mended, and as names of terms.
"use strict";

(() => {
  const { asking, fold, isHan, key, mend, names, pieces, places, spellings, stem, wordsOf } =
    globalThis.siteSearch;

  /** A word that no page holds, in its parts: x-1 as x and 1. */
  const parted = (word) =>
    places(word).size || isHan(word) ? [word] : word.split(/[-._]+/).filter(Boolean);

  /** Neighbouring words that are the name of a term, as one. */
  function joined(parts) {
    const phrases = [];
    for (let i = 0; i < parts.length;) {
      let n = Math.min(4, parts.length - i);
      while (n > 1 && !names.has(key(parts.slice(i, i + n).join(" ")))) n -= 1;
      phrases.push(parts.slice(i, i + n).join(" "));
      i += n;
    }
    return phrases;
  }

  /** What is looked for: the letters of a word, the names of the same term, and its stem. */
  function term(word) {
    const { names: all = [], url, anchor } = names.get(key(word)) ?? {};
    const own = spellings(word);
    const others = all.filter((name) => !own.includes(name));
    const bare = stem(word);
    return { word, own, others, stems: bare === word || all.length ? [] : [bare], url, anchor };
  }

  /** A query as typed, in the terms that are looked for, in its wordings; what was mended. */
  function understand(query) {
    const all = wordsOf(query);
    const telling = all.filter((word) => !asking.has(word));
    const spelled = (telling.length ? telling : all).flatMap(parted);
    const right = spelled.map(mend);
    const phrases = joined(right);
    const cut = phrases.flatMap((p) => isHan(p) && !names.has(p) ? pieces(p) : [p]);
    const wanted = [...new Set(cut.length ? cut : phrases)].map(term);
    const pairs = right.slice(1).map((word, i) => `${right[i]} ${word}`);
    const wordings = [...new Set([fold(query).trim(), ...phrases, ...pairs])]
      .filter((wording) => wording && !wanted.some(({ own }) => own.includes(wording)));
    const mended = right.filter((word, i) => word !== spelled[i]);
    return { typed: phrases.map(term), wanted, wordings, mended };
  }

  Object.assign(globalThis.siteSearch, { understand });
})();
