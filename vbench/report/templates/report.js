"use strict";
// Sorts a table when a heading's button is pressed; opens what is folded before printing.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.closest("th");
    const table = heading.closest("table");
    const column = [...heading.parentNode.children].indexOf(heading);
    const ascending = heading.getAttribute("aria-sort") !== "ascending";
    for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const key = (row) => row.children[column].dataset.value ?? row.children[column].textContent;
    const rows = [...body.rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === ""); // what has no value stays last
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
      return ascending ? order : -order;
    });
    body.append(...rows);
  });
}
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
// Draws the charts one after the other, so that the page can be read meanwhile; without `eval`.
(async () => {
  const options = {
    actions: false, ast: true, renderer: "svg", logLevel: 1, tooltip: { theme: "page" },
    loader: { load: () => Promise.reject(new Error("nothing is loaded")) },
  };
  for (const place of document.querySelectorAll(".chart")) {
    await vegaEmbed(place, JSON.parse(place.querySelector("script").textContent), options);
    await new Promise((resolve) => setTimeout(resolve));
  }
  document.body.dataset.charts = "drawn";
})();
