/* The page as a file: its report stands in the document. */
"use strict";
(() => {
  const page = globalThis.msgInsights;
  const main = document.querySelector("main");
  try {
    const data = JSON.parse(document.getElementById("report").textContent);
    main.replaceChildren(page.show(new page.Report([data.report]), { name: data.name, notes: data.notes, problems: data.problems, linkOf: null, hasTheme: true }));
  } catch (problem) {
    main.replaceChildren(page.element("p", { class: "problem" }, `The report cannot be shown: ${problem.message}.`));
  }
})();
