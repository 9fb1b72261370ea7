// The results of a batch: sorted and filtered here, and drawn a page at a time, so that thousands stay light.
function results(element, props, trigger, watch) {
  const PAGE = 50;
  const COLUMNS = [["name", "Photo"], ["place", "Place"], ["level", "Level"], ["error_km", "Error"], ["words", "State"]];
  const LEVELS = ["street", "city", "region", "country", "continent", "unknown", ""];
  const names = new Intl.Collator(undefined, { numeric: true }); // ten times as fast as localeCompare
  const find = (selector) => element.querySelector(selector);
  const [words, stop, text, chips, table, pager] = [".gt-words", ".gt-stop", ".gt-filter", ".gt-chips", "table", ".gt-pager"].map(find);
  const view = { sort: null, down: false, state: null, page: 0 };
  let kept = []; // a value without rows leaves them as they were
  let selected = 0;
  const rows = () => kept;
  function take() {
    kept = props.value?.rows || kept;
    selected = props.value?.selected ?? 0;
    draw();
  }
  const make = (tag, className, content) => Object.assign(document.createElement(tag), { className, textContent: content });

  function found() {
    const wanted = text.value.trim().toLowerCase();
    const fitting = rows().filter((row) => (!view.state || row.words === view.state) &&
      (!wanted || `${row.name} ${row.place} ${row.level}`.toLowerCase().includes(wanted)));
    if (!view.sort) return fitting;
    const key = view.sort;
    const sign = view.down ? -1 : 1;
    return fitting.sort((a, b) => {
      const [x, y] = [valueOf(a, key), valueOf(b, key)];
      if (x === null || y === null) return (x === null) - (y === null); // what is not known comes last either way
      return sign * (typeof x === "number" ? x - y : names.compare(x, y));
    });
  }
  function valueOf(row, key) {
    if (key === "level") return row.level ? LEVELS.indexOf(row.level) : null;
    return row[key] === "" || row[key] === undefined ? null : row[key];
  }

  function draw() {
    element.hidden = rows().length === 0;
    if (element.hidden) return;
    words.textContent = props.value.words;
    stop.hidden = !props.value.busy;
    drawChips();
    const all = found();
    const last = Math.max(0, Math.ceil(all.length / PAGE) - 1);
    view.page = Math.min(view.page, last);
    drawHead();
    drawRows(all.slice(view.page * PAGE, (view.page + 1) * PAGE));
    pager.hidden = last === 0;
    find(".gt-page").textContent = all.length ? `${view.page * PAGE + 1} to ${Math.min(all.length, (view.page + 1) * PAGE)} of ${all.length}` : "";
    find(".gt-previous").disabled = view.page === 0;
    find(".gt-next").disabled = view.page === last;
    find(".gt-none").hidden = all.length > 0;
  }
  function drawChips() {
    const counts = new Map();
    rows().forEach((row) => counts.set(row.words, (counts.get(row.words) || 0) + 1));
    if (view.state && !counts.has(view.state)) view.state = null;
    chips.replaceChildren(...[...counts].map(([state, count]) => {
      const chip = make("button", "gt-chip", `${state} ${count}`);
      chip.type = "button";
      chip.dataset.state = state;
      chip.setAttribute("aria-pressed", String(view.state === state));
      return chip;
    }));
  }
  function drawHead() {
    const cells = COLUMNS.map(([key, title]) => {
      const cell = make("th", "", "");
      const arrow = view.sort === key ? (view.down ? " \u2193" : " \u2191") : "";
      const button = make("button", "gt-link gt-sort", title + arrow);
      button.type = "button";
      button.dataset.key = key;
      cell.scope = "col";
      if (view.sort === key) cell.setAttribute("aria-sort", view.down ? "descending" : "ascending");
      cell.append(button);
      return cell;
    });
    const focused = document.activeElement?.dataset?.key;
    table.tHead.rows[0].replaceChildren(...cells);
    if (focused) table.tHead.querySelector(`[data-key="${focused}"]`)?.focus();
  }
  function drawRows(page) {
    const focused = document.activeElement?.dataset?.index;
    table.tBodies[0].replaceChildren(...page.map(drawRow));
    const all = [...table.tBodies[0].rows];
    (all.find((row) => row.classList.contains("gt-selected")) || all[0])?.setAttribute("tabindex", "0");
    if (focused !== undefined) all.find((row) => row.dataset.index === focused)?.focus({ preventScroll: true });
  }
  function drawRow(row) {
    const line = make("tr", row.index === selected ? "gt-selected" : "", "");
    line.tabIndex = -1;
    line.dataset.index = row.index;
    const state = make("td", "", "");
    state.append(make("span", `gt-state gt-is-${row.state}`, ""), make("span", "", row.words));
    line.append(make("td", "gt-cut", row.name), make("td", "gt-cut", row.place), make("td", "", row.level), make("td", "", row.error), state);
    return line;
  }

  element.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    if (hit(".gt-stop")) return trigger("stop", {});
    if (hit(".gt-sort")) {
      const key = hit(".gt-sort").dataset.key;
      view.down = view.sort === key && !view.down;
      view.sort = key;
    } else if (hit(".gt-chip")) {
      const state = hit(".gt-chip").dataset.state;
      view.state = view.state === state ? null : state;
    } else if (hit(".gt-previous")) view.page -= 1;
    else if (hit(".gt-next")) view.page += 1;
    else {
      if (hit("tbody tr")) pick(hit("tbody tr"));
      return;
    }
    draw();
  });
  function pick(line) {
    line.focus();
    selected = Number(line.dataset.index);
    draw(); // at once; the answer follows
    trigger("pick", { index: selected });
  }
  table.addEventListener("keydown", (event) => {
    const line = event.target.closest("tbody tr");
    if (!line) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(line); }
    const to = { ArrowDown: line.nextElementSibling, ArrowUp: line.previousElementSibling }[event.key];
    if (to) { event.preventDefault(); to.focus(); }
  });
  text.addEventListener("input", () => { view.page = 0; draw(); });
  watch("value", take);
  take();
}
