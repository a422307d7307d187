/* A calendar a year, a square a day; arrow keys walk from day to day. */
"use strict";
(() => {
  const page = globalThis.msgInsights;
  const STEP = 12, LEFT = 26, TOP = 16;
  const KEYS = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -7, ArrowRight: 7, PageUp: -28, PageDown: 28 };

  /* Where a day stands in its year: a column a week, Sunday on top. */
  function placeOf(day, january) {
    const offset = page.dateOf(january).getUTCDay() + day - january;
    return { x: LEFT + Math.floor(offset / 7) * STEP, y: TOP + (offset % 7) * STEP };
  }

  const weekdays = (x) => [["Mon", 1], ["Wed", 3], ["Fri", 5]].map(([text, row]) => page.drawing("text", { x, y: TOP + row * STEP + 9 }, text));

  function months(january, first, end) {
    const texts = [];
    for (let day = first; day < end; day += 1) {
      const date = page.dateOf(day);
      if (date.getUTCDate() === 1) texts.push(page.drawing("text", { x: placeOf(day, january).x, y: 10 }, page.MONTHS[date.getUTCMonth()]));
    }
    return texts;
  }

  /* runs: of the days; describeDay(day, state) -> text; choose(day): a day was chosen. */
  class Calendar {
    constructor(runs, name, describeDay, choose) {
      this.runs = runs.filter((run) => run.end > run.first);
      this.first = this.runs.length ? this.runs[0].first : 0;
      this.end = this.runs.length ? this.runs[this.runs.length - 1].end : 0;
      this.describeDay = describeDay;
      this.choose = choose;
      this.squares = new Map();
      this.said = page.element("p", { class: "said", "aria-live": "polite" });
      this.node = page.element("div", { class: "calendar" }, this.years(name), this.said);
    }

    years(name) {
      if (this.end === this.first) return [page.element("p", { class: "quiet" }, "No day has ended yet.")];
      const last = page.dateOf(this.end - 1).getUTCFullYear();
      const years = [];
      for (let year = last; year >= page.dateOf(this.first).getUTCFullYear(); year -= 1) years.push(this.year(year, name));
      return years;
    }

    year(year, name) {
      const january = page.dayOf(`${year}-01-01`), next = page.dayOf(`${year + 1}-01-01`);
      const first = Math.max(january, this.first), end = Math.min(next, this.end);
      const start = placeOf(first, january).x - LEFT;
      const width = placeOf(end - 1, january).x + STEP + 8 - start, height = TOP + 7 * STEP;
      const svg = page.drawing("svg", {
        class: "year", viewBox: `${start} 0 ${width} ${height}`, width: width * 1.2, height: height * 1.2, role: "application",
        "aria-label": `${name}, ${year}: arrow keys walk from day to day, Enter shows a day`, tabindex: 0,
      }, weekdays(start), months(january, first, end));
      for (const run of this.runs) {
        for (let day = Math.max(first, run.first); day < Math.min(end, run.end); day += 1) svg.append(this.square(day, run, placeOf(day, january)));
      }
      svg.addEventListener("keydown", (event) => this.walk(event, first, end));
      svg.addEventListener("focus", () => this.point(this.pointed >= first && this.pointed < end ? this.pointed : end - 1));
      const scroller = page.element("div", { class: "scroller" }, svg);
      requestAnimationFrame(() => { scroller.scrollLeft = scroller.scrollWidth; });
      return page.element("figure", {}, page.element("figcaption", {}, String(year)), scroller);
    }

    square(day, run, place) {
      const square = page.square10(run.state, place.x, place.y);
      square.setAttribute("data-day", page.isoOf(day));
      square.append(page.drawing("title", {}, this.describeDay(day, run.state)));
      square.addEventListener("click", () => { this.point(day); this.choose(day); });
      this.squares.set(day, square);
      return square;
    }

    walk(event, first, end) {
      if (event.key === "Enter" || event.key === " ") this.choose(this.pointed);
      else if (event.key === "Home" || event.key === "End") this.point(event.key === "Home" ? first : end - 1);
      else if (Object.hasOwn(KEYS, event.key)) this.point(Math.min(Math.max(this.pointed + KEYS[event.key], first), end - 1));
      else return;
      event.preventDefault();
    }

    point(day) {
      this.squares.get(this.pointed)?.classList.remove("pointed");
      this.pointed = day;
      const square = this.squares.get(day);
      square?.classList.add("pointed");
      const run = page.runAt(this.runs, day);
      this.said.textContent = run ? this.describeDay(day, run.state) : "";
    }
  }

  /* The latest values of a metric as a line with gaps where a day has none. */
  function sparkline(values, first, name) {
    const found = values.filter((value) => typeof value === "number");
    if (!found.length) return null;
    const low = Math.min(...found), high = Math.max(...found), height = high - low || 1;
    const points = values.map((value, place) => (typeof value === "number" ? [place, 22 - ((value - low) / height) * 20] : null));
    let path = "", isDown = false;
    for (const point of points) {
      if (point) path += `${isDown ? "L" : "M"}${point[0]} ${point[1].toFixed(1)}h0`;
      isDown = Boolean(point);
    }
    const last = values.findLastIndex((value) => typeof value === "number");
    const said = `${name}: ${page.number(values[last])} on ${page.shortDay(first + last)}; from ${page.number(low)} to ${page.number(high)} since ${page.shortDay(first)}`;
    const svg = page.drawing("svg", { class: "sparkline", viewBox: `-1 0 ${Math.max(values.length, 2) + 1} 24`, preserveAspectRatio: "none", role: "img", "aria-label": said },
      page.drawing("title", {}, said), page.drawing("path", { d: path }));
    return page.element("span", { class: "values" }, svg, page.element("span", { class: "value" }, page.number(values[last])));
  }

  Object.assign(page, { Calendar, sparkline });
})();
