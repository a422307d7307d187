/* The first screen: whether to worry, what was found and what helps; then the days, then the Pages. */
"use strict";
(() => {
  const page = globalThis.msgInsights;
  const ORDER = ["needs_person", "filling", "acknowledged", "not_built", "complete"];
  const MOST_PAGES = 20;

  function statusText(status, report) {
    const count = report.counts[status] ?? 0, words = page.PAGE_STATUSES[status];
    if (status !== "complete") return `${count.toLocaleString("en-US")} ${count === 1 ? words.label : words.many}`;
    const until = report.completeThrough === null ? "" : ` to ${page.dayBeside(report.completeThrough, report.today)}`;
    return `${count.toLocaleString("en-US")} of ${page.plural(report.managedPages, "Page")} complete${until}`;
  }

  function statuses(report, only) {
    const buttons = ORDER.filter((status) => report.counts[status] || status === "complete").map((status) => {
      const button = page.element("button", { type: "button", class: `status ${status}`, "aria-pressed": "false" },
        page.element("span", { class: "glyph", "aria-hidden": "true" }, page.PAGE_STATUSES[status].glyph), ` ${statusText(status, report)}`);
      button.addEventListener("click", () => {
        const isOn = button.getAttribute("aria-pressed") !== "true";
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button && isOn));
        only(isOn ? status : null);
      });
      return button;
    });
    return page.element("div", { class: "statuses", role: "group", "aria-label": "Pages by status" }, buttons);
  }

  function finding(one, report) {
    const [badge, kind] = one.ack ? ["known", "acknowledged"] : one.is_new ? ["NEW", "new"] : ["ongoing", "ongoing"];
    return page.element("li", { class: `finding ${kind}` }, page.element("span", { class: "badge" }, badge),
      page.element("div", {}, page.element("p", { class: "what" }, one.what),
        one.cause_in_words ? page.element("p", {}, one.cause_in_words) : null,
        page.element("p", { class: "remedy" }, one.ack ? `Acknowledged until ${page.dayBeside(one.ack.until, report.today)}: ${one.ack.reason}` : page.withCode(one.remedy))));
  }

  function findings(report) {
    const notes = report.notBuilt.length ? [page.element("li", { class: "finding ongoing" }, page.element("span", { class: "badge" }, "not built"),
      page.element("div", {}, page.element("p", { class: "what" }, `Parts: ${report.notBuilt.join(", ")}`), page.element("p", { class: "remedy" }, page.withCode(report.notBuiltRemedy))))] : [];
    const all = [...notes, ...report.findings.map((one) => finding(one, report))];
    return all.length ? page.element("section", {}, page.element("h2", {}, "What was found"), page.element("ul", { class: "findings" }, all)) : null;
  }

  const pageNames = (pages) => `${[...pages.keys()].slice(0, MOST_PAGES).join(", ")}${pages.size > MOST_PAGES ? ` and ${pages.size - MOST_PAGES} more` : ""}`;

  function metricNames(pages, report) {
    const names = new Set([...pages.values()].flat());
    const isAll = report.pages.filter((one) => pages.has(one.pageId)).every((one) => Object.keys(one.metrics).length === pages.get(one.pageId).length);
    if (!names.size) return null;
    return page.element("small", {}, isAll ? "all metrics" : names.size > 4 ? page.plural(names.size, "metric") : [...names].join(", "));
  }

  /* What is known of a day, and the runs that loaded it, of a Page or of all. linkOf(dag, run) -> a link, or null where there is none. */
  function dayPanel(day, report, linkOf, one = null) {
    const groups = report.dayCells(day, one).map((group) => page.element("li", {},
      page.drawing("svg", { viewBox: "0 0 10 10", class: "key", "aria-hidden": "true" }, page.square10(group.state, 0, 0)),
      page.element("div", {}, page.element("b", {}, page.describe(group.state).label), group.reason && group.reason !== page.describe(group.state).label ? ` – ${group.reason}` : "",
        group.pages.size ? page.element("p", {}, `${group.pages.size === 1 ? "Page" : "Pages"} ${pageNames(group.pages)} `, metricNames(group.pages, report)) : null)));
    const state = page.runAt(report.days, day)?.state ?? "";
    const alone = one ? "The Page was not managed on this day." : report.pages.length ? "No Page was managed on this day." : `${page.describe(state).label}: ${page.describe(state).means}.`;
    const runs = report.runsOn(day).filter(([, part]) => !one || part === one.part).map(([name]) => page.element("li", {}, page.runName(name, linkOf)));
    return [
      page.element("h3", {}, page.longDay(day)),
      groups.length ? page.element("ul", { class: "groups" }, groups) : page.element("p", { class: "quiet" }, alone),
      runs.length ? page.element("div", { class: "runs" }, page.element("p", {}, "Last written by"), page.element("ul", {}, runs)) : null,
    ];
  }

  /* The place below a calendar that shows the chosen day, of a Page or of all. */
  function panelOf(report, linkOf, one = null) {
    const node = page.element("section", { class: "day-panel", "aria-live": "polite" });
    return { node, choose: (day) => { node.replaceChildren(...dayPanel(day, report, linkOf, one).filter(Boolean)); node.scrollIntoView({ block: "nearest" }); } };
  }

  /* "dag/task/run", with a link to the run where one can be made. */
  function runName(name, linkOf) {
    const [dag, task, run, ...more] = name.split("/");
    const link = run && !more.length && linkOf ? linkOf(dag, run) : null;
    if (!link) return page.element("code", {}, name);
    link.textContent = run;
    link.classList.add("run");
    return page.element("span", {}, link, ` of task ${task} in ${dag}`);
  }

  function themeButton() {
    const button = page.element("button", { type: "button", class: "theme" });
    const isDark = () => (document.documentElement.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const label = () => { button.textContent = isDark() ? "Light" : "Dark"; };
    button.addEventListener("click", () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; label(); });
    label();
    return button;
  }

  /* All of a report. facts: {name, notes and problems: texts about where it comes from, linkOf, hasTheme} */
  function show(report, facts) {
    const panel = panelOf(report, facts.linkOf);
    const list = report.pages.length ? new page.PageList(report, facts.linkOf) : null;
    const together = new page.Calendar(report.days, "All Pages together", (day, state) => `${page.longDay(day)}: ${page.describe(state).label}`, panel.choose);
    const states = new Set([...report.days, ...report.pages.flatMap((one) => [one.days, ...Object.values(one.metrics)]).flat()].map((run) => run.state));
    return page.element("article", { class: "report" },
      page.element("header", {}, page.element("h1", {}, facts.name), facts.hasTheme ? themeButton() : null,
        page.element("p", { class: "quiet" }, [`Pacific days since ${page.isoOf(report.first)}`, ...facts.notes].join("  ·  "))),
      (facts.problems ?? []).map((problem) => page.element("p", { class: "problem" }, problem)),
      report.managedPages || report.pages.length ? statuses(report, (status) => list?.only(status)) : null,
      findings(report),
      page.element("section", {}, page.element("h2", {}, report.pages.length ? "Days, all Pages together" : "Days"), together.node, panel.node,
        page.legend(Object.keys(page.STATES).filter((state) => states.has(state)))),
      list?.node ?? null);
  }

  Object.assign(page, { show, runName, statusText, panelOf });
})();
