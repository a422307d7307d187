/* The states of a day: what each is called, its mark beside its color, and its height in a strip. */
"use strict";
(() => {
  const page = globalThis.msgInsights;

  /* mark: a path in a square of ten; bar: top and bottom in a strip of ten. */
  const STATES = {
    final: { label: "final", means: "stored; the day changes no more", mark: "", bar: [0, 10] },
    provisional: { label: "provisional", means: "stored before the day was final", mark: "M2 8 L8 2", bar: [2.5, 10] },
    restated: { label: "restated", means: "stored; its last load changed it", mark: "M5 3.4 a1.6 1.6 0 1 0 .01 0Z", bar: [0, 10] },
    loaded: { label: "loaded", means: "named by the event of a load", mark: "", bar: [0, 10] },
    partial: { label: "partly there", means: "some of it is stored, some is missing", mark: "M1 1 H9 L1 9 Z", bar: [5, 10] },
    no_row: { label: "no row", means: "answered without a row", mark: "M3 5 H7", bar: [8.4, 10] },
    refused: { label: "refused", means: "refused by the API", mark: "M2.5 2.5 L7.5 7.5 M7.5 2.5 L2.5 7.5", bar: [0, 3] },
    failed: { label: "failed", means: "requested without an answer", mark: "M5 2 V5.8 M5 7.4 V8.2", bar: [0, 4.5] },
    missing: { label: "missing", means: "never requested, or to be requested again", mark: "M2.5 2.5 H7.5 V7.5 H2.5 Z", bar: [0, 1.8] },
    removed: { label: "removed", means: "deleted by people or retention rules", mark: "M2 3.4 H8 M2 6.6 H8", bar: [4, 6] },
    too_old: { label: "too old", means: "older than what the API keeps", mark: "M4.5 5 H5.5", bar: [9, 10] },
    not_managed: { label: "not managed", means: "outside the Page’s time in the dataset", mark: "", bar: null },
    no_event: { label: "no event", means: "no event of a load names the day", mark: "M2.5 2.5 H7.5 V7.5 H2.5 Z", bar: [0, 1.8] },
  };
  const UNKNOWN = { label: "unknown", means: "a state that this page does not know", mark: "M3 3 L7 7", bar: [4, 6] };
  const STORED = new Set(["final", "provisional", "restated", "loaded"]);
  const LACKING = new Set(["missing", "failed", "removed"]);
  const GRAVEST = ["failed", "missing", "removed", "refused", "no_row", "too_old"];

  const known = (state) => (Object.hasOwn(STATES, state) ? state : "unknown");
  const describe = (state) => (Object.hasOwn(STATES, state) ? STATES[state] : UNKNOWN);

  /* [[state, days, reason index], …] from a day on -> [{state, first, end, reason}, …] */
  function runsOf(coded, first, reasons = []) {
    let day = first;
    return coded.map(([state, days, reason]) => ({ state: String(state), first: day, end: (day += days), reason: reasons[reason] ?? "" }));
  }

  /* The run that a day lies in; runs follow each other. */
  function runAt(runs, day) {
    let low = 0, high = runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if (day < runs[middle].first) high = middle - 1;
      else if (day >= runs[middle].end) low = middle + 1;
      else return runs[middle];
    }
    return null;
  }

  /* One state for several on a day: partly there where some of it is stored and some is lacking. */
  function together(states) {
    const found = new Set(states);
    const isStored = [...found].some((state) => STORED.has(state));
    if (found.has("partial") || (isStored && [...found].some((state) => LACKING.has(state)))) return "partial";
    if (isStored) return ["restated", "provisional", "final", "loaded"].find((state) => found.has(state));
    return GRAVEST.find((state) => found.has(state)) ?? "not_managed";
  }

  function legend(states) {
    const entries = states.map((state) => {
      const square = page.drawing("svg", { viewBox: "0 0 10 10", class: "key", "aria-hidden": "true" }, square10(state, 0, 0));
      return page.element("li", {}, square, page.element("span", {}, page.element("b", {}, describe(state).label), ` ${describe(state).means}`));
    });
    return page.element("ul", { class: "legend" }, entries);
  }

  /* A day: a square of color and its mark. */
  function square10(state, x, y) {
    const group = page.drawing("g", { class: `day ${known(state)}`, transform: `translate(${x} ${y})` });
    group.append(page.drawing("rect", { width: 10, height: 10, rx: 1.6 }));
    if (describe(state).mark) group.append(page.drawing("path", { class: "mark", d: describe(state).mark }));
    return group;
  }

  /* A row of days as bars of color and height, all of it as wide as its place. */
  function strip(runs, first, end, label) {
    const svg = page.drawing("svg", { class: "strip", viewBox: `0 0 ${Math.max(1, end - first)} 10`, preserveAspectRatio: "none", role: "img", "aria-label": label });
    for (const run of runs) {
      const bar = describe(run.state).bar;
      if (bar) svg.append(page.drawing("rect", { class: `bar ${known(run.state)}`, x: run.first - first, width: run.end - run.first, y: bar[0], height: bar[1] - bar[0] }));
    }
    return svg;
  }

  Object.assign(page, { STATES, describe, runsOf, runAt, together, legend, square10, strip });
})();
