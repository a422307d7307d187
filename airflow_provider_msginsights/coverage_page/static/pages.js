/* The Pages: a row each with its days as a strip; opened, a calendar and a strip for each metric. */
"use strict";
(() => {
  const page = globalThis.msgInsights;
  const AT_ONCE = 50;
  const STATUSES = {
    needs_person: { glyph: "✗", label: "needs a person", many: "need a person" },
    filling: { glyph: "~", label: "is being filled", many: "are being filled" },
    acknowledged: { glyph: "•", label: "is acknowledged", many: "are acknowledged" },
    not_built: { glyph: "?", label: "is not built yet", many: "are not built yet" },
    complete: { glyph: "✓", label: "is complete", many: "are complete" },
    not_managed: { glyph: "–", label: "has left", many: "have left" },
  };

  /* Why a Page has its status, in a sentence. */
  function sentence(one, report) {
    const missing = one.missingCells ? `${one.missingDays.toLocaleString("en-US")} of ${page.plural(one.totalDays, "day")} missing, about ${page.plural(one.fillCalls, "call")}` : "";
    const findings = report.findings.filter((finding) => one.findings.includes(finding.identity));
    const words = [];
    if (findings.length) words.push(findings[0].what, findings.length > 1 ? `And ${findings.length - 1} more.` : "");
    if (one.failures >= 3) words.push(`Failed in ${page.plural(one.failures, "run")} while others were answered.`);
    if (missing) words.push(`${missing}.`);
    const ack = one.ack ?? findings.find((finding) => finding.ack)?.ack;
    if (ack && one.status === "acknowledged") words.push(`Known until ${page.dayBeside(ack.until, report.today)}: ${ack.reason}.`);
    if (one.waitsUntil && one.waitsUntil > report.today) words.push(`The next fill to ask is that of ${page.shortDay(one.waitsUntil)}.`);
    if (one.status === "complete") words.push(one.completeThrough === null ? "" : `Complete to ${page.dayBeside(one.completeThrough, report.today)}.`);
    if (one.status === "not_managed") words.push("Its time in the dataset is over, or has not begun.");
    if (one.status === "not_built") words.push("Its ledger is not built yet.");
    return words.filter(Boolean).join(" ");
  }

  function reasonsOf(one) {
    const entries = Object.entries(one.byReason);
    return entries.length ? page.element("ul", { class: "reasons" }, entries.map(([reason, cells]) => page.element("li", {}, `${page.plural(cells, "cell")}: ${reason}`))) : null;
  }

  function metricRow(one, metric, report) {
    const runs = one.metrics[metric];
    const [day, values] = one.values[metric] ?? [null, []];
    const spoken = `${metric} of Page ${one.pageId}: ${page.summary(runs)}`;
    return page.element("tr", {}, page.element("th", { scope: "row" }, metric),
      page.element("td", { class: "wide" }, page.strip(runs, report.first, report.today, spoken)),
      page.element("td", {}, day ? page.sparkline(values, page.dayOf(day), metric) : null));
  }

  /* Days by state in words, for those who do not see a strip. */
  function summary(runs) {
    const counts = new Map();
    for (const run of runs) counts.set(run.state, (counts.get(run.state) ?? 0) + run.end - run.first);
    return [...counts].filter(([state]) => state !== "not_managed").map(([state, days]) => `${page.plural(days, "day")} ${page.describe(state).label}`).join(", ") || "no day";
  }

  function details(one, report, linkOf) {
    const panel = page.panelOf(report, linkOf, one);
    const calendar = new page.Calendar(one.days, `Page ${one.pageId}`, (day, state) => `${page.longDay(day)}: ${page.describe(state).label}`, panel.choose);
    const metrics = Object.keys(one.metrics);
    return [
      reasonsOf(one), calendar.node, panel.node,
      metrics.length ? page.element("div", { class: "scroller" }, page.element("table", { class: "metrics" }, page.element("tbody", {}, metrics.map((metric) => metricRow(one, metric, report))))) : null,
    ];
  }

  function row(one, report, linkOf) {
    const status = STATUSES[one.status] ?? { glyph: "?", label: one.status };
    const node = page.element("details", { class: `page ${one.status}`, "data-page": one.pageId },
      page.element("summary", {},
        page.element("span", { class: "glyph", title: status.label, "aria-label": status.label, role: "img" }, status.glyph),
        page.element("span", { class: "who" }, one.pageId),
        page.strip(one.days, report.first, report.today, `Page ${one.pageId}: ${summary(one.days)}`),
        page.element("span", { class: "why" }, sentence(one, report))));
    node.addEventListener("toggle", () => {
      if (node.open && node.children.length === 1) node.append(page.element("div", { class: "inside" }, details(one, report, linkOf)));
    });
    return node;
  }

  const textOf = (one, report) => [one.pageId, one.part, one.status, STATUSES[one.status]?.label ?? "", sentence(one, report), ...Object.keys(one.byReason)].join(" ").toLowerCase();

  /* The list with its search; `only(status)` shows the Pages of one status, `only(null)` all. */
  class PageList {
    constructor(report, linkOf) {
      Object.assign(this, { report, linkOf, status: null, words: "", shown: AT_ONCE });
      this.texts = new Map(report.pages.map((one) => [one, textOf(one, report)]));
      this.list = page.element("div", { class: "pages" });
      this.count = page.element("p", { class: "quiet", "aria-live": "polite" });
      this.more = page.element("button", { type: "button", onclick: () => { this.shown += AT_ONCE; this.draw(); } });
      const search = page.element("input", { type: "search", placeholder: "Page id, state or reason", "aria-label": "Search Pages",
        oninput: (event) => { this.words = event.target.value.toLowerCase().trim(); this.shown = AT_ONCE; this.draw(); } });
      this.node = page.element("section", { class: "page-list" }, page.element("h2", {}, "Pages"), page.element("p", {}, search), this.count, this.list, this.more);
      this.draw();
    }

    only(status) {
      Object.assign(this, { status, shown: AT_ONCE });
      this.draw();
    }

    draw() {
      const words = this.words.split(/\s+/);
      const found = this.report.pages.filter((one) => (!this.status || one.status === this.status) && words.every((word) => this.texts.get(one).includes(word)));
      const part = found.slice(0, this.shown);
      this.list.replaceChildren(...part.map((one) => row(one, this.report, this.linkOf)));
      this.count.textContent = found.length === this.report.pages.length ? page.plural(found.length, "Page") : `${found.length.toLocaleString("en-US")} of ${page.plural(this.report.pages.length, "Page")}`;
      this.more.hidden = part.length === found.length;
      this.more.textContent = `Show ${Math.min(AT_ONCE, found.length - part.length)} more`;
    }
  }

  Object.assign(page, { PAGE_STATUSES: STATUSES, PageList, summary });
})();
