// Questions: the reader chooses an answer and learns why it is right or wrong. What has been
// answered is kept in this browser alone; without storage all works until the page is left.
"use strict";

(() => {
  const KEY = "cnnguide-questions";

  /** The names of the questions that were answered rightly, in this browser. */
  function answeredBefore() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
      return new Set(Array.isArray(kept) ? kept : []);
    } catch {
      return new Set(); // no storage, or not what we wrote
    }
  }

  function keep(names) {
    try {
      localStorage.setItem(KEY, JSON.stringify([...names]));
    } catch {
      // the page goes on without it
    }
  }

  function element(tag, className = "", ...children) {
    const node = document.createElement(tag);
    node.className = className;
    node.append(...children);
    return node;
  }

  /** Put numbers into the places {0}, {1} of a text. */
  function fill(text, ...values) {
    return text.replace(/\{(\d)\}/g, (_, k) => values[k]);
  }

  /** One question: `solved` is called when the right answer is chosen. */
  function makeQuestion(place, words, solved) {
    const right = Number(place.dataset.right) - 1;
    const answers = [...place.querySelectorAll(".question-answers > li")];
    const details = place.querySelector("details");
    const explanations = [...details.querySelectorAll("ol > li")];
    const done = element("span", "question-done");
    const legend = element("legend", "", place.querySelector(".question-text"), done);
    const feedback = element("div", "question-feedback");
    feedback.setAttribute("role", "status");
    const inputs = answers.map((_, k) => {
      const input = element("input");
      Object.assign(input, { type: "radio", name: place.id, value: String(k) });
      input.addEventListener("change", () => {
        const read = details.querySelector(".question-read").cloneNode(true);
        const why = explanations[k].cloneNode(true).childNodes;
        feedback.replaceChildren(...why, read);
        if (k === right) solved();
      });
      return input;
    });
    const labels = answers.map((answer, k) => {
      const text = element("span");
      for (const part of answer.querySelectorAll(":scope > p")) text.append(...part.childNodes);
      return element("label", "question-answer", inputs[k], text);
    });
    place.replaceChildren(element("fieldset", "", legend, ...labels, feedback));
    return {
      name: place.dataset.question,
      show: (isAnswered) => {
        done.textContent = isAnswered ? ` ✓ ${words.answered}` : "";
        place.classList.toggle("question-answered", isAnswered);
      },
      reset: () => {
        for (const input of inputs) input.checked = false;
        feedback.replaceChildren();
      },
    };
  }

  function start(progress) {
    const words = JSON.parse(progress.dataset.words);
    const names = answeredBefore();
    const questions = [...document.querySelectorAll(".question")].map((place) =>
      makeQuestion(place, words, () => {
        for (const name of answeredBefore()) names.add(name); // in another tab, perhaps
        names.add(place.dataset.question);
        keep(names);
        show();
      })
    );
    const chapters = [...progress.querySelectorAll("li")].map((item) => {
      const anchor = document.getElementById(item.querySelector("a").hash.slice(1));
      const section = anchor.closest("section");
      const inside = [...section.querySelectorAll(".question")].map((q) => q.dataset.question);
      return { inside, item, count: item.querySelector(".question-count") };
    });
    const total = element("p", "question-total");
    const again = element("button", "question-again", words.again);
    again.type = "button";
    again.addEventListener("click", () => {
      names.clear();
      keep(names);
      for (const each of questions) each.reset();
      show();
    });
    progress.append(total, again);

    function show() {
      for (const each of questions) each.show(names.has(each.name));
      for (const { inside, item, count } of chapters) {
        const answered = inside.filter((name) => names.has(name)).length;
        const isPassed = answered === inside.length;
        count.textContent = fill(words.count, answered, inside.length) +
          (isPassed ? ` ✓ ${words.passed}` : "");
        item.classList.toggle("question-passed", isPassed);
      }
      const answered = questions.filter(({ name }) => names.has(name)).length;
      total.textContent = fill(words.total, answered, questions.length);
    }
    show();
    addEventListener("storage", () => { // another tab, or the other language, has answered
      names.clear();
      for (const name of answeredBefore()) names.add(name);
      show();
    });
  }

  const progress = document.querySelector(".question-progress");
  if (progress) start(progress);
})();
