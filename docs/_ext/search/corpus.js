// The pages and sections of the index, the names of terms, and how often letters stand where.
"use strict";

(() => {
  const { fold, stem } = globalThis.siteSearch;
  const LETTERS = /[a-z]{4,}/g;

  /** A chapter explains, a script shows, and the rest is for looking up. */
  function kindOf(url) {
    if (/^(?:api\/|bibliography|corrections|glossary|index|teach)/.test(url)) return "reference";
    return url.startsWith("auto_examples/") ? "gallery" : "chapter";
  }

  /** The lines that were packed: ASCII has numbers for words, other runs for pieces of Chinese. */
  function unpacked({ plain, words, others, pieces }) {
    const from = (list) => {
      const table = list.split(" ");
      return (number) => table[number.charCodeAt(0) - 0x80];
    };
    const latin = plain.replace(/[\u0080-\u07ff]/g, from(words));
    const runs = others.replace(/[\u0080-\u33ff]/g, from(pieces)).split("\x7f");
    return latin.split("\x7f").map((run, i) => run + (runs[i] ?? "")).join("").split("\n");
  }

  const lines = unpacked(globalThis.searchIndex); // all anchors, all titles, all texts
  const count = lines.length / 3;
  const sections = [];
  const pages = globalThis.searchIndex.pages.map(([url, parts]) => {
    const first = sections.length;
    const numbers = Array.from({ length: parts }, (_, i) => first + i); // of its sections
    for (const number of numbers) {
      const [anchor, title, text] = [0, 1, 2].map((column) => lines[column * count + number]);
      sections.push({ url, anchor, title, text, folded: fold(text), foldedTitle: fold(title) });
    }
    return { url, title: sections[first].title, kind: kindOf(url), numbers };
  });
  // One text of all sections, and where each of them ends in it.
  const texts = sections.map((section) => `${section.foldedTitle}\t${section.folded}`);
  const corpus = texts.join("\n");
  const ends = [];
  for (const text of texts) ends.push((ends.at(-1) ?? -1) + text.length + 1);

  const known = new Map(); // letters -> their places
  /** How often letters stand in each section that holds them: a map from sections' numbers. */
  function places(letters) {
    if (known.has(letters)) return known.get(letters);
    const found = new Map();
    let section = 0;
    for (let at = corpus.indexOf(letters); at >= 0; at = corpus.indexOf(letters, at + 1)) {
      while (ends[section] < at) section += 1;
      found.set(section, (found.get(section) ?? 0) + 1);
    }
    known.set(letters, found);
    return found;
  }

  /** The words of a name without their endings: "fine-tuned" and "fine tuning" are one name. */
  const key = (name) => name.split(/[\s-]+/).map(stem).join(" ");

  const names = new Map(); // the key of a name -> its term
  for (const [url, anchor, group] of globalThis.searchIndex.terms) {
    const term = { url, anchor, names: group.map(fold) };
    for (const name of term.names) names.set(key(name), term);
  }

  // The words of chapters and scripts that are no slips, and those of names: how often each stands.
  const words = new Map();
  for (const { numbers } of pages.filter(({ kind }) => kind !== "reference")) {
    for (const word of numbers.flatMap((number) => sections[number].folded.match(LETTERS) ?? [])) {
      words.set(word, (words.get(word) ?? 0) + 1);
    }
  }
  for (const [word, times] of words) if (times < 3) words.delete(word);
  for (const { names: group } of names.values()) {
    for (const word of group.join(" ").match(LETTERS) ?? []) words.set(word, words.get(word) ?? 3);
  }

  Object.assign(globalThis.siteSearch, { pages, sections, places, key, names, words });
})();
