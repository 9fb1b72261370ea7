// The table of places or candidates: rows and pins are one thing, the arrow keys move through them.
function candidates(element) {
  const rows = () => [...element.querySelectorAll("tr[data-rank]")];
  const rowOf = (node) => node.closest?.("tr[data-rank]");
  const tell = (type, rank) =>
    window.dispatchEvent(new CustomEvent("geotool-pin", { detail: { type, rank, from: "table" } }));
  function mark(className, rank) {
    rows().forEach((row) => row.classList.toggle(className, Number(row.dataset.rank) === rank));
  }
  function select(row, focus) {
    rows().forEach((other) => { other.tabIndex = other === row ? 0 : -1; });
    mark("gt-selected", Number(row.dataset.rank));
    if (focus) row.focus();
    tell("select", Number(row.dataset.rank));
  }
  function open(row, wanted) {
    const button = row.querySelector(".gt-open");
    const more = row.nextElementSibling;
    if (!button || !more) return;
    more.hidden = wanted === undefined ? !more.hidden : !wanted;
    button.setAttribute("aria-expanded", String(!more.hidden));
    button.textContent = more.hidden ? "More" : "Less";
  }
  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1200);
  }
  element.addEventListener("click", (event) => {
    const button = event.target.closest(".gt-copy");
    if (button?.classList.contains("gt-open")) open(rowOf(button));
    else if (button) copy(button);
    else if (rowOf(event.target)) select(rowOf(event.target), true);
  });
  element.addEventListener("mouseover", (event) => {
    const row = rowOf(event.target);
    if (row) tell("hover", Number(row.dataset.rank));
  });
  element.addEventListener("mouseleave", () => tell("hover", null));
  element.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (!row) return;
    const side = { ArrowRight: true, ArrowLeft: false }[event.key];
    if (side !== undefined) { event.preventDefault(); open(row, side); return; }
    const all = rows();
    const at = all.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    select(all[to], true);
  });
  window.addEventListener("geotool-pin", ({ detail }) => {
    if (detail.from === "table") return;
    mark(detail.type === "hover" ? "gt-hovered" : "gt-selected", detail.rank);
  });
}
