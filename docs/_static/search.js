// The search page: every section that holds all that was typed, the best first.
// Works from a folder as well as from a server; what is typed is only ever shown as text.
"use strict";

/** Letters as they are compared: full width as half, capitals as small, × as x. Never longer or shorter. */
function fold(text) {
  return [...text].map((c) => {
    const plain = c.normalize("NFKC").toLowerCase().replace("×", "x");
    return plain.length === c.length ? plain : c;
  }).join("");
}

const HAN = "\\u3400-\\u9fff";
const index = window.searchIndex.pages.flatMap(([url, page, sections], order) =>
  sections.map(([anchor, title, text], place) => ({
    url, page, anchor, title, text, order, place, folded: fold(text), foldedTitle: fold(title),
  })));
const corpus = index.map((s) => `${s.foldedTitle} ${s.folded}`).join("\n");
const names = new Map();  // folded name -> the names of the same term
for (const group of window.searchIndex.synonyms) {
  for (const name of group) names.set(fold(name), group.map(fold));
}

/** The words of a query: quoted or known phrases, runs of Chinese, and what stands between spaces. */
function words(query) {
  const parts = fold(query).match(new RegExp(`[${HAN}]+|[^\\s${HAN}，。；：？！、（）“”《》]+`, "g")) ?? [];
  const found = [];
  for (let i = 0; i < parts.length;) {
    let n = Math.min(4, parts.length - i);
    while (n > 1 && !names.has(parts.slice(i, i + n).join(" "))) n -= 1;
    found.push(parts.slice(i, i + n).join(" "));
    i += n;
  }
  return found.map((w) => w.replace(/^[.,;:?!"'()\[\]{}<>]+(?=.)|(?<=.)[.,;:?!"'()\[\]{}<>]+$/g, "")).filter(Boolean);
}

/** A pattern for a word: letters as they are, spaces around the x of "3 x 3" as they come. */
function pattern(word) {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return escaped.replace(/(?<=\d)\s*x\s*(?=\d)/g, "\\s*x\\s*").replace(/ /g, "\\s+");
}

/** A run of Chinese in pieces: at each place the longest name of a term, or else what the guide holds. */
function pieces(run) {
  const found = [];
  for (let i = 0; i < run.length;) {
    const starts = [...Array(run.length - i).keys()].map((k) => run.slice(i, run.length - k));
    const piece = starts.find((s) => s !== run && names.has(s)) ??
      starts.find((s) => s !== run && corpus.includes(s)) ?? run[i];
    if (piece.length > 1) found.push(piece);
    i += piece.length;
  }
  return found;
}

/** Each word as what is looked for: its own letters, and the other names of the same term. */
function terms(list) {
  return list.map((word) => {
    const others = (names.get(word) ?? []).filter((name) => name !== word);
    return {
      word,
      own: new RegExp(pattern(word), "g"),
      any: new RegExp([word, ...others].sort((a, b) => b.length - a.length).map(pattern).join("|"), "g"),
      others,
    };
  });
}

const count = (text, regex) => (text.match(regex) ?? []).length;
const found = (section, term) => count(section.foldedTitle, term.any) + count(section.folded, term.any) > 0;

/** A chapter explains, a script shows, and the reference is for looking up. */
function weight(url) {
  if (url.startsWith("auto_examples/")) return 10;
  return /^(api\/|bibliography|corrections|glossary)/.test(url) ? 0 : 20;
}

/** How well a section answers: titles count most, then the words themselves, then their other names. */
function score(section, wanted) {
  let sum = weight(section.url);
  for (const term of wanted) {
    sum += 30 * Math.min(1, count(section.foldedTitle, term.own)) + 10 * Math.min(1, count(section.foldedTitle, term.any));
    sum += 2 * Math.min(5, count(section.folded, term.own)) + Math.min(5, count(section.folded, term.any));
  }
  return sum + (section.place === 0 ? 5 : 0);
}

/** The pages that hold every word, each with its sections that do, or with those that hold some. */
function search(list) {
  const wanted = terms(list);
  const byPage = Map.groupBy ? Map.groupBy(index, (s) => s.url) : index.reduce(
    (map, s) => map.set(s.url, [...(map.get(s.url) ?? []), s]), new Map());
  const results = [];
  for (const sections of byPage.values()) {
    if (!wanted.every((term) => sections.some((s) => found(s, term)))) continue;
    const whole = sections.filter((s) => wanted.every((term) => found(s, term)));
    const hits = (whole.length ? whole : sections.filter((s) => wanted.some((term) => found(s, term))))
      .map((section) => ({ section, points: score(section, wanted) + (whole.length ? 40 : 0) }))
      .sort((a, b) => b.points - a.points);
    const all = sections.reduce((n, s) => n + wanted.reduce((m, t) => m + count(s.folded, t.any), 0), 0);
    results.push({ url: sections[0].url, page: sections[0].page, hits, points: hits[0].points + 20 * Math.log2(1 + all) });
  }
  return { wanted, results: results.sort((a, b) => b.points - a.points) };
}

/** An element with text and children. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Text as nodes, with every hit in a <mark>. */
function marked(text, wanted) {
  const nodes = [];
  const folded = fold(text);
  const regex = new RegExp(wanted.map((t) => t.any.source).join("|"), "g");
  let end = 0;
  for (const match of folded.matchAll(regex)) {
    if (!match[0]) continue;
    nodes.push(text.slice(end, match.index), element("mark", {}, text.slice(match.index, match.index + match[0].length)));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)];
}

/** The part of a section's text around its first hit. */
function snippet(section, wanted) {
  const places = wanted.map((t) => section.folded.search(t.any.source)).filter((p) => p >= 0);
  const hit = places.length ? Math.min(...places) : 0;
  const start = hit < 60 ? 0 : hit - 40;
  const cut = section.text.slice(start, start + 160);
  return [start > 0 ? "… " : "", ...marked(cut, wanted), start + 160 < section.text.length ? " …" : ""];
}

/** One section of a result: its title, which leads to it, and its snippet. */
function hitElement({ section }, wanted) {
  const highlight = wanted.map((t) => t.word).join(" ");
  const link = element("a", { href: `${section.url}?highlight=${encodeURIComponent(highlight)}#${section.anchor}` },
    ...marked(section.title, wanted));
  return element("li", {}, link, element("p", {}, ...snippet(section, wanted)));
}

/** One page of the results, with its best sections open. */
function resultElement({ url, page, hits }, wanted) {
  const items = hits.map((hit) => hitElement(hit, wanted));
  const part = element("section", { class: "search-page-hits", "data-page": url },
    element("h2", {}, element("a", { href: url }, ...marked(page, wanted))),
    element("ul", {}, ...items.slice(0, 3)));
  if (items.length > 3) {
    part.append(element("details", {}, element("summary", {}, fill(box.dataset.more, items.length - 3)),
      element("ul", {}, ...items.slice(3))));
  }
  return part;
}

/** The pages that hold what was typed; if they are few, then also those that hold its parts. */
function show(query) {
  box.replaceChildren();
  const list = words(query);
  if (!list.length) return;
  const { wanted, results } = search(list);
  if (results.length) {
    const summary = element("p", { class: "search-summary" },
      fill(results.length === 1 ? box.dataset.one : box.dataset.found, query, results.length));
    const others = wanted.flatMap((t) => t.others).filter((name) => corpus.includes(name));
    if (others.length) summary.append(" ", element("small", {}, `(${fill(box.dataset.also, others.join(", "))})`));
    box.append(summary, ...results.map((result) => resultElement(result, wanted)));
  }
  const cut = list.flatMap((w) => (new RegExp(`^[${HAN}]{2,}$`).test(w) && !names.has(w) ? pieces(w) : [w]));
  if (results.length < 3 && cut.length && cut.join() !== list.join()) {
    const parts = search(cut);
    const seen = new Set(results.map((result) => result.url));
    const more = parts.results.filter((result) => !seen.has(result.url));
    const made = element("div", { class: "search-parts" }, element("p", {}, fill(box.dataset.cut, cut.join(" + "))),
      ...more.map((result) => resultElement(result, parts.wanted)));
    if (more.length) box.append(made);
  }
  if (!box.children.length) box.append(element("p", {}, fill(box.dataset.none, query)));
}

const box = document.getElementById("search-results");
const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, k) => values[k]);
const input = document.querySelector(".search-page input");
input.value = new URLSearchParams(location.search).get("q") ?? "";
show(input.value);
input.focus();
input.addEventListener("input", () => {
  const url = new URL(location);
  url.searchParams.set("q", input.value);
  history.replaceState(null, "", url);
  show(input.value);
});
input.form.addEventListener("submit", (event) => event.preventDefault());
