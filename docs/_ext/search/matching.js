// What is searched for, and where it is: pages and sections that hold it, the best first.
// A classic script, since modules do not load from a folder; search.js uses it as `siteSearch`.
"use strict";

globalThis.siteSearch = (() => {
  const HAN = "\\u3400-\\u9fff";
  // The marks of sentences and of code part words: the index has the words of code without them.
  const MARKS = "，。；：？！、（）“”‘’《》…—,;:?!\"'`()\\[\\]{}<>=+*/@|&%^~#\\\\";
  const PART = new RegExp(`[${HAN}]+|[^\\s${HAN}${MARKS}]+`, "g");
  const EDGES = /^[.-]+|[.-]+$/g;
  const HAN_RUN = new RegExp(`^[${HAN}]{2,}$`);

  /** A character as it is compared: full width as half, capitals as small, × as x; never longer. */
  function foldOne(character) {
    const plain = character.normalize("NFKC").toLowerCase().replace("×", "x");
    return plain.length === character.length ? plain : character;
  }

  const fold = (text) => [...text].map(foldOne).join("");

  const sections = globalThis.searchIndex.pages.flatMap(([url, page, parts]) =>
    parts.map(([anchor, title, text], place) => {
      const [foldedTitle, folded] = [fold(title), fold(text)];
      return { url, page, anchor, title, text, place, folded, foldedTitle };
    })
  );
  const corpus = sections.map((s) => `${s.foldedTitle} ${s.folded}`).join("\n");
  const sectionsByPage = new Map();
  for (const section of sections) {
    if (!sectionsByPage.has(section.url)) sectionsByPage.set(section.url, []);
    sectionsByPage.get(section.url).push(section);
  }
  const names = new Map(); // folded name -> the names of the same term
  for (const group of globalThis.searchIndex.synonyms) {
    for (const name of group) names.set(fold(name), group.map(fold));
  }

  /** The words of a query: names of terms, runs of Chinese, and what stands between spaces. */
  function words(query) {
    const parts = fold(query).match(PART) ?? [];
    const phrases = [];
    for (let i = 0; i < parts.length;) {
      let n = Math.min(4, parts.length - i);
      while (n > 1 && !names.has(parts.slice(i, i + n).join(" "))) n -= 1;
      phrases.push(parts.slice(i, i + n).join(" "));
      i += n;
    }
    return phrases.map((phrase) => phrase.replace(EDGES, "")).filter(Boolean);
  }

  /** A pattern for a word: letters as they are, spaces around the x of "3 x 3" as they come. */
  function pattern(word) {
    const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return escaped.replace(/(?<=\d)\s*x\s*(?=\d)/g, "\\s*x\\s*").replace(/ /g, "\\s+");
  }

  /** A run of Chinese in pieces: at each place the longest name of a term, else what a page has. */
  function pieces(run) {
    const long = [];
    for (let i = 0; i < run.length;) {
      const starts = [...Array(run.length - i).keys()].map((k) => run.slice(i, run.length - k));
      const shorter = starts.filter((start) => start !== run);
      const piece = shorter.find((start) => names.has(start)) ??
        shorter.find((start) => corpus.includes(start)) ?? run[i];
      if (piece.length > 1) long.push(piece);
      i += piece.length;
    }
    return long;
  }

  /** The words with every run of Chinese that is no name of a term cut into pieces. */
  const cut = (list) =>
    list.flatMap((word) => (HAN_RUN.test(word) && !names.has(word) ? pieces(word) : [word]));

  /** Each word as it is looked for: its own letters, and the other names of the same term. */
  function terms(list) {
    return list.map((word) => {
      const others = (names.get(word) ?? []).filter((name) => name !== word);
      const longestFirst = [word, ...others].sort((a, b) => b.length - a.length);
      return {
        word,
        own: new RegExp(pattern(word), "g"),
        any: new RegExp(longestFirst.map(pattern).join("|"), "g"),
        others: others.filter((name) => corpus.includes(name)),
      };
    });
  }

  const count = (text, regex) => (text.match(regex) ?? []).length;
  const holds = (section, term) =>
    count(section.foldedTitle, term.any) + count(section.folded, term.any) > 0;

  /** A chapter explains, a script shows, and the reference is for looking up. */
  function weight(url) {
    if (url.startsWith("auto_examples/")) return 10;
    return /^(api\/|bibliography|corrections|glossary)/.test(url) ? 0 : 20;
  }

  /** How well a section fits: titles count most, then the words, then their other names. */
  function score(section, wanted) {
    let sum = weight(section.url) + (section.place === 0 ? 5 : 0);
    for (const term of wanted) {
      sum += 30 * Math.min(1, count(section.foldedTitle, term.own));
      sum += 10 * Math.min(1, count(section.foldedTitle, term.any));
      sum += 2 * Math.min(5, count(section.folded, term.own));
      sum += Math.min(5, count(section.folded, term.any));
    }
    return sum;
  }

  /** The best sections of a page that holds every word: those that do, or else that hold some. */
  function pageResult(parts, wanted) {
    const whole = parts.filter((s) => wanted.every((term) => holds(s, term)));
    const some = parts.filter((s) => wanted.some((term) => holds(s, term)));
    const bonus = whole.length ? 40 : 0;
    const hits = (whole.length ? whole : some)
      .map((section) => ({ section, points: score(section, wanted) + bonus }))
      .sort((a, b) => b.points - a.points);
    const all = parts.reduce(
      (n, s) => n + wanted.reduce((m, t) => m + count(s.folded, t.any), 0),
      0,
    );
    const [{ url, page }] = parts;
    return { url, page, hits, points: hits[0].points + 20 * Math.log2(1 + all) };
  }

  /** The pages that hold every word of a list, the best first. */
  function search(list) {
    const wanted = terms(list);
    const results = [...sectionsByPage.values()]
      .filter((parts) => wanted.every((term) => parts.some((s) => holds(s, term))))
      .map((parts) => pageResult(parts, wanted))
      .sort((a, b) => b.points - a.points);
    return { wanted, results };
  }

  return { fold, words, cut, search };
})();
