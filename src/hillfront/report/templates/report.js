
"use strict";
// Sort tables by a column: numbers by their exact values, the rest as text; empty cells stay last.
(function () {
  const collator = new Intl.Collator("en", { numeric: true });
  const status = document.getElementById("sort-status");

  function key(row, column) {
    const cell = row.cells[column];
    if (cell.classList.contains("number")) {
      const exact = cell.getAttribute("data-sort");
      return exact === null ? null : Number(exact);
    }
    return cell.textContent.trim() || null;
  }

  function compare(a, b) {
    return typeof a === "number" ? a - b || 0 : collator.compare(a, b);
  }

  function sort(table, column) {
    const headings = table.tHead.rows[0].cells;
    const downwards = headings[column].getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => ({ row: row, key: key(row, column) }));
    rows.sort(function (a, b) {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return downwards ? compare(b.key, a.key) : compare(a.key, b.key);
    });
    body.append(...rows.map((item) => item.row));
    for (const heading of headings) heading.removeAttribute("aria-sort");
    const way = downwards ? "descending" : "ascending";
    headings[column].setAttribute("aria-sort", way);
    status.textContent = "Sorted by " + headings[column].textContent.trim() + ", " + way + ".";
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    Array.from(table.tHead.rows[0].cells).forEach(function (heading, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      button.addEventListener("click", function () { sort(table, column); });
      heading.append(button);
    });
  }
})();
