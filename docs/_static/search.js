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

/** The longest pieces of a run of Chinese that the guide holds, for a run that it does not hold. */
function pieces(run) {
  const found = [];
  for (let i = 0; i < run.length;) {
    let n = run.length - i;
    while (n > 1 && !corpus.includes(run.slice(i, i + n))) n -= 1;
    if (n > 1) found.push(run.slice(i, i + n));
    i += n;
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

/** How well a section answers: titles count most, then the words themselves, then their other names. */
function score(section, wanted) {
  let sum = section.url.startsWith("api/") ? 0 : section.url.startsWith("auto_examples/") ? 2 : 4;
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
    results.push({ url: sections[0].url, page: sections[0].page, hits, points: hits[0].points });
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

function show(query) {
  const box = document.getElementById("search-results");
  box.replaceChildren();
  if (!query.trim()) return;
  const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, k) => values[k]);
  let list = words(query);
  let { wanted, results } = list.length ? search(list) : { wanted: [], results: [] };
  if (!results.length) {
    const cut = list.flatMap((w) => (new RegExp(`^[${HAN}]{2,}$`).test(w) ? pieces(w) : [w]));
    if (cut.length && cut.join() !== list.join()) ({ wanted, results } = search((list = cut)));
    if (results.length) box.append(element("p", {}, fill(box.dataset.cut, list.join(" + "))));
  }
  if (!results.length) {
    box.append(element("p", {}, fill(box.dataset.none, query)));
    return;
  }
  const summary = element("p", { class: "search-summary" },
    fill(results.length === 1 ? box.dataset.one : box.dataset.found, query, results.length));
  const others = wanted.flatMap((t) => t.others).filter((name) => corpus.includes(name));
  if (others.length) summary.append(" ", element("small", {}, `(${fill(box.dataset.also, others.join(", "))})`));
  box.append(summary);
  for (const { url, page, hits } of results) {
    const list = element("ul", {}, ...hits.slice(0, 3).map((hit) => hitElement(hit, wanted)));
    const part = element("section", { class: "search-page-hits", "data-page": url },
      element("h2", {}, element("a", { href: url }, ...marked(page, wanted))), list);
    if (hits.length > 3) {
      part.append(element("details", {}, element("summary", {}, fill(box.dataset.more, hits.length - 3)),
        element("ul", {}, ...hits.slice(3).map((hit) => hitElement(hit, wanted)))));
    }
    box.append(part);
  }
}

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
