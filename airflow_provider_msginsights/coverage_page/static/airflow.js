/* The page in Airflow's UI: what this person may read of Airflow's own REST API, and nothing else. */
"use strict";
(() => {
  const page = globalThis.msgInsights;
  const main = document.querySelector("main");
  const API = new URL("../api/v2/", document.baseURI);
  const AT_ONCE = 6, PAGE_SIZE = 100, MOST_PAGES = 100, MOST_EVENT_PAGES = 10;
  const OLD_HOURS = 36;
  const wanted = new URLSearchParams(location.search);

  class SessionEnded extends Error {}

  async function get(path, parameters = {}) {
    const url = new URL(path, API);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (answer.status === 401) throw new SessionEnded();
    if (answer.status === 403 || answer.status === 404) return null;
    if (!answer.ok) throw new Error(`Airflow answered HTTP ${answer.status} to ${url.pathname}`);
    return answer.json();
  }

  async function all(path, name, parameters = {}, most = MOST_PAGES) {
    const found = [];
    for (let number = 0; number < most; number += 1) {
      const answer = await get(path, { ...parameters, limit: PAGE_SIZE, offset: found.length });
      if (!answer) return number ? found : null;
      found.push(...answer[name]);
      if (!answer[name].length || found.length >= answer.total_entries) break;
    }
    return found;
  }

  /* Do something with each, a few at once, in order of the result. */
  async function each(items, work, said) {
    const results = new Array(items.length);
    let next = 0, done = 0;
    const worker = async () => {
      while (next < items.length) {
        const place = next++;
        results[place] = await work(items[place]);
        said(++done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return results;
  }

  /* Frames may not navigate Airflow's window; a link of its own document may. */
  function open(href) {
    const link = parent.document.createElement("a");
    link.href = href;
    parent.document.body.append(link);
    link.click();
    link.remove();
  }

  function linkOf(dag, run) {
    const href = new URL(`../dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`, document.baseURI).href;
    return page.element("a", { href, target: "_top", onclick: (event) => {
      if (parent === window) return;
      event.preventDefault();
      open(href);
    } });
  }

  function notesOf(parts) {
    const oldest = parts.reduce((a, b) => (a.at < b.at ? a : b));
    const at = `${page.dayBeside(page.dayOf(oldest.at.toISOString().slice(0, 10)), page.dayOf(new Date().toISOString().slice(0, 10)))}, ${oldest.at.toISOString().slice(11, 16)} UTC`;
    const isOld = Date.now() - oldest.at > OLD_HOURS * 3600000;
    return [`published ${at}${isOld ? ": no load or fill has published anything since" : ""}`, parts.every((part) => part.head.publish === "values") ? null : "values are not published"].filter(Boolean);
  }

  async function datasetOf(asset, { parts }) {
    try {
      const decoded = await Promise.all([...parts.values()].map(page.partOf));
      const { period, breakdowns } = decoded[0].head;
      const grain = [period === "day" ? null : String(period), breakdowns.length ? `by ${breakdowns.join(", ")}` : null].filter(Boolean).join(" ");
      return { name: grain ? `${asset.name} (${grain})` : asset.name, report: new page.Report(decoded.map((part) => part.report)), notes: notesOf(decoded) };
    } catch (problem) {
      if (problem instanceof SessionEnded) throw problem;
      return { name: asset.name, problem: `What was published cannot be shown: ${problem.message}.` };
    }
  }

  async function fromEvents(asset, hasState, problems = []) {
    const parameters = { asset_id: asset.id, order_by: "-timestamp" };
    const newest = await get("assets/events", { ...parameters, limit: 5 });
    if (!newest?.asset_events.some(page.isOurs)) return [];
    const events = await all("assets/events", "asset_events", parameters, MOST_EVENT_PAGES);
    const report = page.reportOfEvents(events ?? []);
    if (!report) return [];
    const notes = ["from asset events: days alone, without Pages, and only days that loads named"];
    if (hasState && !problems.length) notes.push("nothing published is in the asset’s state store");
    if (events.length >= MOST_EVENT_PAGES * PAGE_SIZE) notes.push(`the latest ${events.length} events`);
    return [{ name: asset.name, report: new page.Report([report]), notes, problems }];
  }

  async function datasetsOf(asset, hasState) {
    const entries = hasState && await all(`assets/${asset.id}/state-store`, "asset_state_store");
    const published = entries ? page.datasetsIn(entries) : [];
    if (!published.length) return fromEvents(asset, hasState);
    const found = await Promise.all(published.map(async (one) => ({ key: one.name, ...(await datasetOf(asset, one)) })));
    if (found.some((one) => one.report)) return found;
    const days = await fromEvents(asset, hasState, [...new Set(found.map((one) => one.problem))]);
    return days.length ? days : found;
  }

  const weight = (one) => (one.problem || one.problems?.length ? 1e6 : 0) + (one.report?.counts.needs_person ?? 0) * 1000 + (one.report?.counts.filling ?? 0);

  function tabs(datasets, choose) {
    const buttons = datasets.map((one) => {
      const counts = one.report?.counts ?? {};
      const glyphs = ["needs_person", "filling", "complete"].filter((status) => counts[status]).map((status) => page.element("span", { class: `glyph ${status}`, role: "img", title: page.statusText(status, one.report), "aria-label": page.statusText(status, one.report) }, page.PAGE_STATUSES[status].glyph));
      const button = page.element("button", { type: "button", "aria-pressed": "false" }, `${one.name} `, glyphs);
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        choose(one);
      });
      return button;
    });
    return { node: page.element("nav", { class: "datasets", "aria-label": "Datasets" }, buttons), first: buttons[0] };
  }

  function limits() {
    const texts = [
      "Datasets none of whose DAGs you may read.",
      "Assets that no task of a DAG lists in its outlets as an Asset: an AssetAlias, an inactive asset, or one that was renamed since.",
      "Periods month and total_over_range, which have no row for each day.",
      "What a state backend of this Airflow’s own keeps outside of its database.",
      "On Airflow 3.1 and 3.2, and with publish=\"none\": Pages, reasons and values. Days come from asset events then.",
    ];
    return page.element("details", { class: "limits" }, page.element("summary", {}, "What this page cannot show"), page.element("ul", {}, texts.map((text) => page.element("li", {}, text))));
  }

  function show(datasets) {
    if (!datasets.length) {
      main.replaceChildren(page.element("h1", {}, "Messaging Insights"), page.element("p", {}, "No dataset has published anything yet. Give the load an asset in ", page.element("code", {}, "outlets"), "; its next run publishes which days are there."), limits());
      return;
    }
    const place = page.element("div");
    const choose = (one) => place.replaceChildren(one.problem
      ? page.element("article", {}, page.element("h1", {}, one.name), page.element("p", { class: "problem" }, one.problem))
      : page.show(one.report, { name: one.name, notes: one.notes, problems: one.problems, linkOf, hasTheme: false }));
    const choice = tabs(datasets, choose);
    main.replaceChildren(...(datasets.length > 1 ? [choice.node] : []), place, limits());
    choice.first.click();
  }

  function distinct(datasets) {
    const seen = new Set();
    return datasets.filter((one) => !one.key || (!seen.has(one.key) && seen.add(one.key)));
  }

  async function load() {
    const say = (text) => main.replaceChildren(page.element("p", { class: "quiet", role: "status" }, text));
    say("Reading assets …");
    const dag = wanted.get("dag_id"), id = wanted.get("asset_id");
    const [dags, assets, about] = await Promise.all([all("dags", "dags", { order_by: "dag_id" }), all("assets", "assets", dag ? { dag_ids: dag } : {}), get("version")]);
    if (!dags || !assets) throw new Error("You may not read DAGs and assets in this Airflow");
    const readable = new Set(dags.map((one) => one.dag_id));
    const isWanted = (task) => readable.has(task.dag_id) && (!dag || task.dag_id === dag);
    const mine = assets.filter((asset) => asset.producing_tasks.some(isWanted) && (!id || String(asset.id) === id));
    const [major, minor] = String(about?.version).split(".").map(Number);
    const hasState = major > 3 || minor >= 3; /* 3.1 and 3.2 would answer 404 */
    const found = await each(mine, (asset) => datasetsOf(asset, hasState), (done) => say(`Reading assets: ${done} of ${mine.length} …`));
    show(distinct(found.flat()).sort((a, b) => weight(b) - weight(a)));
  }

  /* As dark as Airflow is, and on its background. */
  function follow(root) {
    const mine = document.documentElement;
    const paint = () => {
      mine.dataset.theme = root.classList.contains("dark") ? "dark" : "light";
      mine.style.colorScheme = parent.getComputedStyle(root).colorScheme;
    };
    new parent.MutationObserver(paint).observe(root, { attributes: true, attributeFilter: ["class", "style"] });
    mine.classList.add("framed");
    paint();
  }

  function ended(problem) {
    const words = problem instanceof SessionEnded ? "Your session has ended. Reload the page to log in again." : `The page cannot be shown: ${problem.message}.`;
    main.replaceChildren(page.element("p", { class: "problem" }, words));
  }

  if (parent !== window) follow(parent.document.documentElement);
  load().catch(ended);
})();
