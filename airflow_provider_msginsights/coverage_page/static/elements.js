/* Making the page: elements from names and text, never from HTML; days and numbers in words. */
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const DAY_MS = 86400000;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

  /* Children are text or nodes; null is left out. Attributes whose value is null or false are, too. */
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined) node.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return node;
  }

  const element = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const drawing = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

  /* Text in which `backticks` mark commands. */
  const withCode = (text) => String(text).split("`").map((piece, place) => (place % 2 ? element("code", {}, piece) : piece));

  /* A Pacific day is a whole number: days since 1970. */
  function dayOf(text) {
    const [year, month, day] = text.split("-").map(Number);
    return Math.round(Date.UTC(year, month - 1, day) / DAY_MS);
  }
  const dateOf = (day) => new Date(day * DAY_MS);
  const isoOf = (day) => dateOf(day).toISOString().slice(0, 10);

  function shortDay(day) {
    const date = dateOf(day);
    return `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}`;
  }
  const longDay = (day) => `${WEEKDAYS[dateOf(day).getUTCDay()]} ${shortDay(day)}, ${dateOf(day).getUTCFullYear()}`;
  /* With the year where it is not that of another day. */
  const dayBeside = (day, other) => (dateOf(day).getUTCFullYear() === dateOf(other).getUTCFullYear() ? shortDay(day) : `${shortDay(day)}, ${dateOf(day).getUTCFullYear()}`);

  function rangeText(first, end) {
    return end - first === 1 ? longDay(first) : `${dayBeside(first, end - 1)} to ${shortDay(end - 1)}, ${dateOf(end - 1).getUTCFullYear()}`;
  }

  const plural = (count, word, many = `${word}s`) => `${count.toLocaleString("en-US")} ${count === 1 ? word : many}`;
  const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: 2 });

  globalThis.msgInsights = {
    MONTHS, element, drawing, withCode, dayOf, dateOf, isoOf, shortDay, longDay, dayBeside, rangeText, plural, number,
  };
})();
