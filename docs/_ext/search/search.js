// The search page: what is typed is looked for at once, and only ever shown as text.
"use strict";

(() => {
  const { fold, places, search } = globalThis.siteSearch;
  const escape = (letters) => letters.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const box = document.getElementById("search-results");
  const [status, list] = box.children; // a screen reader reads out the sentence, not all results
  const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, k) => values[k]);

  /** An element with attributes and children. */
  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  /** All letters that are looked for, as one pattern: the longest first. */
  function patternOf(wanted) {
    const all = wanted.flatMap(({ own, others, stems }) => [...own, ...others, ...stems]);
    const longest = all.sort((a, b) => b.length - a.length);
    return new RegExp(longest.map(escape).join("|") || "(?!)", "g");
  }

  /** Text as nodes, with every hit in a <mark>. */
  function marked(text, pattern) {
    const nodes = [];
    let end = 0;
    for (const { 0: hit, index } of fold(text).matchAll(pattern)) {
      const original = text.slice(index, index + hit.length);
      nodes.push(text.slice(end, index), element("mark", {}, original));
      end = index + hit.length;
    }
    return [...nodes, text.slice(end)];
  }

  /** The part of a section's text around its first hit. */
  function snippet({ text, folded }, pattern) {
    const hit = Math.max(0, folded.search(pattern));
    const start = hit < 60 ? 0 : hit - 40;
    const end = start + 160;
    const shown = marked(text.slice(start, end), pattern);
    return [start > 0 ? "… " : "", ...shown, end < text.length ? " …" : ""];
  }

  /** One section of a result: its title, which leads to it, and its snippet. */
  function hitElement({ section }, { wanted, pattern }) {
    const highlight = encodeURIComponent(wanted.map((term) => term.word).join(" "));
    const href = `${section.url}?highlight=${highlight}#${section.anchor}`;
    const link = element("a", { href }, ...marked(section.title, pattern));
    return element("li", {}, link, element("p", {}, ...snippet(section, pattern)));
  }

  /** One page of the results, with its best sections open, and the words that it does not hold. */
  function resultElement({ url, title, hits, whole, missing }, asked) {
    const items = hits.map((hit) => hitElement(hit, asked));
    const heading = element("h2", {}, element("a", { href: url }, ...marked(title, asked.pattern)));
    if (missing.length) {
      heading.append(" ", element("small", {}, fill(box.dataset.missing, missing.join(", "))));
    }
    const part = element(
      "section",
      { class: "search-page-hits", "data-page": url, "data-holds": whole ? "all" : "some" },
      heading,
      element("ul", {}, ...items.slice(0, 3)),
    );
    if (items.length > 3) {
      const summary = element("summary", {}, fill(box.dataset.more, items.length - 3));
      part.append(element("details", {}, summary, element("ul", {}, ...items.slice(3))));
    }
    return part;
  }

  /** How many pages there are, and by which other words they were found, as nodes. */
  function summary(query, { wanted, mended, results }) {
    const text = results.length === 1 ? box.dataset.one : box.dataset.count;
    const nodes = [fill(text, query, results.length)];
    const others = wanted.flatMap((term) => term.others.filter((name) => places(name).size));
    if (mended.length) {
      const note = fill(box.dataset.mended, mended.join(", "));
      nodes.push(" ", element("small", {}, `(${note})`));
    }
    if (others.length) {
      nodes.push(" ", element("small", {}, `(${fill(box.dataset.also, others.join(", "))})`));
    }
    return nodes;
  }

  /** Show the pages for what was typed, or one sentence where there are none. */
  function show(query) {
    const { wanted, mended, results } = search(query);
    const asked = { wanted, pattern: patternOf(wanted) };
    const none = wanted.length ? fill(box.dataset.none, query) : box.dataset.empty;
    const said = results.length ? summary(query, { wanted, mended, results }) : [none];
    status.replaceChildren(...said);
    list.replaceChildren(...results.map((result) => resultElement(result, asked)));
  }

  const input = document.querySelector(".search-page input");
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  show(input.value);
  input.focus();
  let later = 0;
  /** Keep what was typed in the address; Safari and Firefox refuse to after 100 and 200 letters. */
  function keep() {
    clearTimeout(later);
    const url = new URL(location);
    url.searchParams.set("q", input.value);
    try {
      history.replaceState(null, "", url);
    } catch {
      later = setTimeout(keep, 1000);
    }
  }
  input.addEventListener("input", () => {
    show(input.value);
    keep();
  });
  input.form.addEventListener("submit", (event) => event.preventDefault());
})();
