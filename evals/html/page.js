"use strict";
(() => {
  const tools = document.querySelector(".tools");
  const cases = [...document.querySelectorAll("details.case")];
  const words = tools.querySelector("[name=words]");
  const state = tools.querySelector("[name=state]");
  const tag = tools.querySelector("[name=tag]");
  const count = tools.querySelector("output");
  const texts = new Map();

  const fold = (text) => text.normalize("NFKC").toLowerCase();
  const textOf = (each) => {
    if (!texts.has(each)) texts.set(each, fold(each.textContent));
    return texts.get(each);
  };
  const stands = (each) => {
    const { state: is, turn, tags } = each.dataset;
    const wanted = state.value;
    if (wanted === "changed" ? turn === "same" : wanted && wanted !== is && wanted !== turn) return false;
    if (tag.value && !JSON.parse(tags).includes(tag.value)) return false;
    return fold(words.value).split(/\s+/).every((word) => textOf(each).includes(word));
  };
  const filter = () => {
    let shown = 0;
    for (const each of cases) {
      each.hidden = !stands(each);
      shown += each.hidden ? 0 : 1;
    }
    count.textContent = `${shown} / ${cases.length}`;
  };
  const all = (open) => cases.forEach((each) => { if (!each.hidden) each.open = open; });

  for (const control of [words, state, tag]) control.addEventListener("input", filter);
  tools.querySelector("[name=open]").addEventListener("click", () => all(true));
  tools.querySelector("[name=close]").addEventListener("click", () => all(false));
  tools.hidden = false;
  filter();
})();
