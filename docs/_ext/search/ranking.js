// The pages that fit what a query asks for, the best first.
"use strict";

(() => {
  const { pages, sections, places, understand } = globalThis.siteSearch;

  // A chapter comes before a script, and both before what is for looking up.
  const KIND = { chapter: 1, gallery: 0.75, reference: 0.5 };
  // What the name of a term tells, beside another word; and the exact wording of several words.
  const [NAME, WORDING] = [2, 0.25];

  const sum = (list) => list.reduce((all, value) => all + value, 0);
  const average = sum(sections.map(({ folded }) => folded.length)) / sections.length;

  /** From 0 to 1: every further time tells less than the one before. */
  const filled = (times, half) => times / (times + half);

  /** What something tells that some sections have: much if few pages do, little if nearly all. */
  function rarity(numbers) {
    const held = new Set(numbers.map((number) => sections[number].url)).size;
    return Math.log(pages.length / held) + 0.2;
  }

  /** By section: how often it has a term, and whether in its title; a term's other names, less. */
  function found({ own, others, stems }) {
    const hits = new Map();
    const worths = [[own, 1], [others, 0.8], [stems, 0.6]];
    for (const [letters, worth] of worths.flatMap(([list, w]) => list.map((l) => [l, w]))) {
      for (const [number, times] of places(letters)) {
        const { times: before = 0, title = 0 } = hits.get(number) ?? {};
        const inTitle = sections[number].foldedTitle.includes(letters) ? worth : 0;
        hits.set(number, { times: before + worth * times, title: Math.max(title, inTitle) });
      }
    }
    return hits;
  }

  /** What a query asks for, where it stands and what it tells; what stands nowhere is left out. */
  function weighed({ wanted, wordings }) {
    const exact = wordings.map((word) => ({ own: [word], others: [], stems: [], exact: true }));
    return [...wanted, ...exact].map((term) => ({ term, hits: found(term) }))
      .filter(({ hits }) => hits.size)
      .map(({ term, hits }) => {
        const factor = term.exact ? WORDING : term.url ? NAME : 1;
        return { term, hits, worth: factor * rarity([...hits.keys()]) };
      });
  }

  /** How well a section fits: by how much of it a term is, by its title, by what it teaches. */
  function sectionPoints(number, asked) {
    const { url, anchor, folded } = sections[number];
    return sum(asked.map(({ term, worth, hits }) => {
      const { times = 0, title = 0 } = hits.get(number) ?? {};
      const taught = times && term.url === url && term.anchor === anchor ? 1 : 0;
      return worth * (2 * filled(times, 0.5 + folded.length / average / 2) + title + taught);
    }));
  }

  /** How well a page fits: by its best section and the whole, less for what it does not hold. */
  function pagePoints({ url, kind, numbers }, asked, best) {
    const all = sum(asked.map(({ term, worth }) => term.exact ? 0 : worth));
    let [whole, held] = [0, 0];
    for (const { term, worth, hits } of asked) {
      const times = sum(numbers.map((number) => hits.get(number)?.times ?? 0));
      const title = hits.get(numbers[0])?.title ?? 0;
      const taught = term.url === url ? worth / all : 0; // the more of the query it is
      whole += worth * (4 * filled(times, 20) + title + 4 * taught);
      held += times && !term.exact ? worth : 0;
    }
    return KIND[kind] * (best + whole) * Math.sqrt(held / all);
  }

  /** Whether a page holds every word that was typed, or another name of the same term. */
  const holdsAll = ({ numbers }, typed) =>
    typed.every(({ own, others }) =>
      [...own, ...others].some((letters) => numbers.some((n) => places(letters).has(n)))
    );

  /** A page as a result, with its sections, the best first; nothing if it holds nothing. */
  function resultOf(page, typed, asked) {
    const holds = ({ hits }) => page.numbers.some((number) => hits.has(number));
    const terms = asked.filter(({ term }) => !term.exact);
    if (!terms.some(holds)) return []; // a wording alone may be words that only ask
    const hits = page.numbers.filter((number) => asked.some((part) => part.hits.has(number)))
      .map((number) => ({ section: sections[number], points: sectionPoints(number, asked) }))
      .sort((a, b) => b.points - a.points);
    const missing = terms.filter((part) => !holds(part)).map(({ term }) => term.word);
    const points = pagePoints(page, asked, hits[0].points);
    return [{ ...page, hits, missing, points, whole: holdsAll(page, typed) }];
  }

  /** The pages for a query, best first: all that hold every word, and the best that hold some. */
  function search(query, some = 10) {
    const { typed, wanted, wordings, mended } = understand(query);
    const asked = weighed({ wanted, wordings });
    const results = pages.flatMap((page) => resultOf(page, typed, asked))
      .sort((a, b) => b.points - a.points);
    const partly = new Set(results.filter(({ whole }) => !whole).slice(0, some));
    const shown = results.filter((result) => result.whole || partly.has(result));
    return { typed, wanted, mended, results: shown };
  }

  Object.assign(globalThis.siteSearch, { search });
})();
