/* What tasks published, put together again: from assets' state stores, or else from asset events. */
"use strict";
(() => {
  const page = globalThis.msgInsights;
  const PREFIX = "msginsights_coverage/";

  /* [{key, value, …}] of an asset -> [{name, parts: Map(part -> [entry, …])}], a dataset each. */
  function datasetsIn(entries) {
    const datasets = new Map();
    for (const entry of entries) {
      if (!entry.key.startsWith(PREFIX)) continue;
      const [name, part] = entry.key.slice(PREFIX.length).split("/");
      if (!datasets.has(name)) datasets.set(name, new Map());
      const parts = datasets.get(name);
      if (!parts.has(part)) parts.set(part, []);
      parts.get(part).push(entry);
    }
    return [...datasets].map(([name, parts]) => ({ name, parts }));
  }

  async function unzipped(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  /* The value itself; a state backend of workers leaves a reference here, or the JSON of a value that is small enough. */
  function valueOf({ value }) {
    const reference = value?.__airflow_state_ref__;
    if (typeof reference !== "string" || !reference.startsWith("{")) return value;
    try { return JSON.parse(reference); } catch { return value; }
  }

  /* The report of a part, with what its first value says of itself. */
  async function partOf(entries) {
    const values = entries.map(valueOf);
    if (values.some((value) => value?.msginsights_coverage === undefined)) throw new Error("a state backend of this Airflow’s own keeps it, where this page cannot read it");
    if (values.some((value) => value.msginsights_coverage !== 1)) throw new Error("a newer version of the provider published it; upgrade the one of the API server");
    const head = values.find((value) => value.piece === 0);
    const pieces = values.filter((value) => value.digest === head?.digest && value.generation === head.generation).sort((a, b) => a.piece - b.piece);
    if (!head || pieces.length !== head.pieces) throw new Error("a task is publishing it at this moment; reload the page, or wait for the next load");
    const first = entries[values.indexOf(head)];
    return { head, report: await unzipped(pieces.map((piece) => piece.data).join("")), at: new Date(first.updated_at), by: first.last_updated_by };
  }

  /* Days that the event of a load or fill names; of more than it lists, those between two days if all were loaded. */
  function daysOf(extra) {
    const whole = (name) => (/^\d{4}-\d{2}-\d{2}$/.test(extra[name]) ? page.dayOf(extra[name]) : null);
    if (Array.isArray(extra.days)) return extra.days.filter((day) => /^\d{4}-\d{2}-\d{2}$/.test(day)).map(page.dayOf);
    const first = whole("first_day"), last = whole("last_day");
    if (first === null || last === null || last < first) return [];
    return last - first + 1 === extra.day_count ? Array.from({ length: extra.day_count }, (_, place) => first + place) : [first, last];
  }

  const isOurs = (event) => event.extra && (Array.isArray(event.extra.days) || typeof event.extra.day_count === "number");

  /* A report of days alone, from events with the newest first; null where no event names a day. */
  function reportOfEvents(events) {
    const days = new Map();
    for (const event of [...events].filter(isOurs).reverse()) {
      const restated = new Set(event.extra.restated_days ?? []);
      const run = event.source_run_id ? [event.source_dag_id, event.source_task_id, event.source_run_id].join("/") : "";
      for (const day of daysOf(event.extra)) {
        if (event.partition_key && days.has(day)) continue; /* the event without a key says more */
        days.set(day, { state: restated.has(page.isoOf(day)) ? "restated" : "loaded", run });
      }
    }
    if (!days.size) return null;
    const first = Math.min(...days.keys()), end = Math.max(...days.keys()) + 1;
    const runs = [...new Set([...days.values()].map((one) => one.run))].filter(Boolean), codedDays = [], codedRuns = [];
    for (let day = first; day < end; day += 1) {
      const known = days.get(day);
      codedDays.push([known?.state ?? "no_event", 1]);
      codedRuns.push([known ? runs.indexOf(known.run) : -1, 1]);
    }
    return {
      version: 1, since: page.isoOf(first), today: page.isoOf(end), counts: {}, managed_pages: 0, not_built: [], not_built_remedy: "",
      complete_through: null, findings: [], reasons: [], runs, written: { "": codedRuns }, days: codedDays, pages: [],
    };
  }

  Object.assign(page, { datasetsIn, partOf, reportOfEvents, isOurs });
})();
