/* What a report says, read from its JSON: Pages, their days and metrics, findings, who wrote which day. */
"use strict";
(() => {
  const page = globalThis.msgInsights;

  /* Several parts of a dataset are one report; each may have been published on another day. */
  class Report {
    constructor(parts) {
      const decoded = parts.map(decode);
      this.first = Math.min(...decoded.map((part) => part.first));
      this.today = Math.max(...decoded.map((part) => part.today));
      this.counts = {};
      for (const part of decoded) for (const [status, count] of Object.entries(part.counts)) this.counts[status] = (this.counts[status] ?? 0) + count;
      this.managedPages = decoded.reduce((sum, part) => sum + part.managedPages, 0);
      this.findings = decoded.flatMap((part) => part.findings).sort(byNews);
      this.notBuilt = decoded.flatMap((part) => part.notBuilt);
      this.notBuiltRemedy = decoded.map((part) => part.notBuiltRemedy).find(Boolean) ?? "";
      this.pages = decoded.flatMap((part) => part.pages);
      if (parts.length > 1) this.pages.sort(this.byUrgency());
      const through = decoded.filter((part) => part.counts.complete).map((part) => part.completeThrough);
      this.completeThrough = through.length && !through.includes(null) ? Math.min(...through) : null;
      this.written = new Map(decoded.flatMap((part) => part.written));
      this.days = decoded.length === 1 ? decoded[0].days : united(decoded.map((part) => part.days), this.first, this.today);
    }

    /* The order that a report's own Pages have, for those of several. */
    byUrgency() {
      const news = new Set(this.findings.filter((one) => one.is_new).map((one) => one.identity));
      const isNew = (one) => one.findings.some((identity) => news.has(identity));
      return (a, b) => rankOf(a.status) - rankOf(b.status) || isNew(b) - isNew(a) || b.missingCells - a.missingCells || byId(a.pageId, b.pageId);
    }

    /* The runs of DAGs that last wrote a day's files: [[name, part], …] */
    runsOn(day) {
      const names = new Map();
      for (const [part, runs] of this.written) {
        const name = page.runAt(runs, day)?.state;
        if (name) names.set(name, part);
      }
      return [...names];
    }

    /* What is said of a day, of a Page or of all: [{state, reason, pages: Map(page id -> metrics)}, …], the gravest first. */
    dayCells(day, only = null) {
      const groups = new Map();
      for (const one of only ? [only] : [...this.pages].sort((a, b) => byId(a.pageId, b.pageId))) {
        const metrics = Object.entries(one.metrics);
        for (const [metric, runs] of metrics.length ? metrics : [["", one.days]]) {
          const run = page.runAt(runs, day);
          if (!run || run.state === "not_managed") continue;
          const key = `${run.state}\n${run.reason}`;
          if (!groups.has(key)) groups.set(key, { state: run.state, reason: run.reason, pages: new Map() });
          const pages = groups.get(key).pages;
          if (!pages.has(one.pageId)) pages.set(one.pageId, []);
          if (metric) pages.get(one.pageId).push(metric);
        }
      }
      const order = ["failed", "missing", "no_event", "removed", "refused", "no_row", "restated", "provisional", "final", "loaded", "too_old"];
      return [...groups.values()].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
    }
  }

  const RANKS = ["needs_person", "acknowledged", "filling", "not_built", "complete", "not_managed"];
  const rankOf = (status) => RANKS.indexOf(status);
  const byNews = (a, b) => Boolean(a.ack) - Boolean(b.ack) || Boolean(b.is_new) - Boolean(a.is_new);
  const byId = new Intl.Collator("en", { numeric: true }).compare;
  const dayOrNull = (text) => (text ? page.dayOf(text) : null);
  const ackOf = (ack) => (ack ? { until: page.dayOf(ack.until), reason: String(ack.reason) } : null);

  function decode(json) {
    if (json.version !== 1) throw new Error(`it has version ${json.version}, of which this page knows nothing`);
    const first = page.dayOf(json.since), reasons = json.reasons;
    return {
      first, today: page.dayOf(json.today), counts: json.counts, managedPages: json.managed_pages, notBuilt: json.not_built,
      notBuiltRemedy: json.not_built_remedy, completeThrough: dayOrNull(json.complete_through), days: page.runsOf(json.days, first),
      findings: json.findings.map((one) => ({ ...one, firstDay: page.dayOf(one.first_day), ack: ackOf(one.acknowledged) })),
      written: Object.entries(json.written).map(([part, runs]) => [part, page.runsOf(runs.map(([run, days]) => [run < 0 ? "" : json.runs[run], days]), first)]),
      pages: json.pages.map((one) => ({
        pageId: String(one.page_id), part: String(one.part), status: one.status, completeThrough: dayOrNull(one.complete_through),
        missingCells: one.missing_cells, missingDays: one.missing_days, pendingCells: one.pending_cells, totalDays: one.total_days,
        fillCalls: one.fill_calls, failures: one.failures, waitsUntil: dayOrNull(one.waits_until), ack: ackOf(one.acknowledged),
        byReason: one.by_reason, findings: one.findings, days: page.runsOf(one.days, first), values: one.values ?? {},
        metrics: Object.fromEntries(Object.entries(one.metrics).map(([metric, runs]) => [metric, page.runsOf(runs, first, reasons)])),
      })),
    };
  }

  /* The days of several parts together; a part says nothing of days before or after those it was published for. */
  function united(all, first, end) {
    const edges = new Set([first, end]);
    for (const runs of all) for (const run of runs) edges.add(run.first).add(run.end);
    const days = [...edges].filter((day) => day >= first && day <= end).sort((a, b) => a - b);
    const runs = [];
    for (let place = 0; place + 1 < days.length; place += 1) {
      const state = page.together(all.map((one) => page.runAt(one, days[place])?.state ?? "not_managed"));
      const last = runs[runs.length - 1];
      if (last && last.state === state) last.end = days[place + 1];
      else runs.push({ state, first: days[place], end: days[place + 1], reason: "" });
    }
    return runs;
  }

  Object.assign(page, { Report });
})();
