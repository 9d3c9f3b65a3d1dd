// The search page: what is typed is looked for at once, and only ever shown as text.
"use strict";

(() => {
  const { fold, words, cut, search } = globalThis.siteSearch;
  const box = document.getElementById("search-results");
  const fill = (text, ...values) => text.replace(/\{(\d)\}/g, (_, k) => values[k]);

  /** An element with attributes and children. */
  function element(name, attributes = {}, ...children) {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...children);
    return node;
  }

  /** Text as nodes, with every hit in a <mark>. */
  function marked(text, wanted) {
    const nodes = [];
    const regex = new RegExp(wanted.map((term) => term.any.source).join("|"), "g");
    let end = 0;
    for (const { 0: hit, index } of fold(text).matchAll(regex)) {
      if (!hit) continue;
      const original = text.slice(index, index + hit.length);
      nodes.push(text.slice(end, index), element("mark", {}, original));
      end = index + hit.length;
    }
    return [...nodes, text.slice(end)];
  }

  /** The part of a section's text around its first hit. */
  function snippet({ text, folded }, wanted) {
    const places = wanted.map((term) => folded.search(term.any.source)).filter((at) => at >= 0);
    const hit = places.length ? Math.min(...places) : 0;
    const start = hit < 60 ? 0 : hit - 40;
    const end = start + 160;
    const shown = marked(text.slice(start, end), wanted);
    return [start > 0 ? "… " : "", ...shown, end < text.length ? " …" : ""];
  }

  /** One section of a result: its title, which leads to it, and its snippet. */
  function hitElement({ section }, wanted) {
    const highlight = encodeURIComponent(wanted.map((term) => term.word).join(" "));
    const href = `${section.url}?highlight=${highlight}#${section.anchor}`;
    const link = element("a", { href }, ...marked(section.title, wanted));
    return element("li", {}, link, element("p", {}, ...snippet(section, wanted)));
  }

  /** One page of the results, with its best sections open. */
  function resultElement({ url, page, hits }, wanted) {
    const items = hits.map((hit) => hitElement(hit, wanted));
    const link = element("a", { href: url }, ...marked(page, wanted));
    const part = element(
      "section",
      { class: "search-page-hits", "data-page": url },
      element("h2", {}, link),
      element("ul", {}, ...items.slice(0, 3)),
    );
    if (items.length > 3) {
      const summary = element("summary", {}, fill(box.dataset.more, items.length - 3));
      part.append(element("details", {}, summary, element("ul", {}, ...items.slice(3))));
    }
    return part;
  }

  /** How many pages there are, and by which other names they were found. */
  function summaryElement(query, { wanted, results }) {
    const text = results.length === 1 ? box.dataset.one : box.dataset.count;
    const summary = element("p", { class: "search-summary" }, fill(text, query, results.length));
    const others = wanted.flatMap((term) => term.others);
    if (others.length) {
      summary.append(" ", element("small", {}, `(${fill(box.dataset.also, others.join(", "))})`));
    }
    return summary;
  }

  /** The pages that hold the parts of what was typed, without those that hold all of it. */
  function partsElement(parts, known) {
    const { wanted, results } = search(parts);
    const more = results.filter(({ url }) => !known.has(url));
    if (!more.length) return null;
    const summary = element("p", {}, fill(box.dataset.parts, parts.join(" + ")));
    const pages = more.map((result) => resultElement(result, wanted));
    return element("div", { class: "search-parts" }, summary, ...pages);
  }

  /** Show the pages that hold what was typed; if they are few, then also those with its parts. */
  function show(query) {
    box.replaceChildren();
    const list = words(query);
    if (!list.length) return;
    const all = search(list);
    if (all.results.length) {
      const pages = all.results.map((result) => resultElement(result, all.wanted));
      box.append(summaryElement(query, all), ...pages);
    }
    const parts = cut(list);
    if (all.results.length < 3 && parts.length && parts.join() !== list.join()) {
      const more = partsElement(parts, new Set(all.results.map(({ url }) => url)));
      if (more) box.append(more);
    }
    if (!box.children.length) box.append(element("p", {}, fill(box.dataset.none, query)));
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
})();
