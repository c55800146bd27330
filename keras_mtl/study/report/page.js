// Sorting the table, and showing everywhere what a pointer rests on. All else works without.
const table = document.querySelector(".scores");
const valueOf = (row, place) => {
  const cell = row.cells[place];
  const value = parseFloat(cell?.dataset.value ?? cell?.textContent);
  return Number.isNaN(value) ? cell?.textContent ?? "" : value;
};
const compare = (a, b) =>
  typeof a === typeof b ? (a > b) - (a < b) : typeof a === "number" ? -1 : 1;
[...table.tHead.rows[0].cells].forEach((heading, place) => {
  if (!heading.textContent.trim()) return;
  const button = document.createElement("button");
  button.append(...heading.childNodes);
  heading.append(button);
  button.addEventListener("click", () => {
    const falls = heading.getAttribute("aria-sort") === "descending";
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", falls ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => (falls ? 1 : -1) * compare(valueOf(a, place), valueOf(b, place)));
    table.tBodies[0].append(...rows);
  });
});
const slug = (name) =>
  name.toLowerCase().replace(/[^\p{L}\p{N}_]+/gu, "-").replace(/^-+|-+$/g, "");
for (const part of document.querySelectorAll("[data-of]")) {
  const name = part.dataset.of;
  const alike = [...document.querySelectorAll("[data-of]")].filter((x) => x.dataset.of === name);
  const drawn = [...document.querySelectorAll("svg g[id]")].filter((x) => x.id.endsWith(`--${slug(name)}`));
  const light = (on) => [...alike, ...drawn].forEach((x) => x.classList.toggle("lit", on));
  part.addEventListener("pointerenter", () => light(true));
  part.addEventListener("pointerleave", () => light(false));
}
