// The table of jobs. It asks for news only while somebody can see it, and changes in place what has changed.
function jobTable(element, props, trigger, watch) {
  const SOON_MS = 1000, LATER_MS = 2500; // while something runs; while nothing does
  const make = (tag, className, text, more) => Object.assign(document.createElement(tag), { className, textContent: text ?? "" }, more);
  const table = element.querySelector("table");
  const ACTS = { stop: "Stop", resume: "Resume", first: "Run next", edit: "Run again with changes", delete: "Delete" };
  const lines = new Map(); // by job: its row
  let rows = [];
  let seen = "";
  let most = 0;
  let open = null; // the job whose details are shown
  let detail = null; // their elements
  let asking = ""; // what is to be confirmed

  const isSeen = () => element.isConnected && element.offsetParent !== null && !document.hidden;
  const look = () => trigger("look", { open: open ?? 0, most, seen });
  function wait() {
    const busy = rows.some((row) => ["running", "stopping", "queued"].includes(row.status));
    setTimeout(() => { if (!element.isConnected) return; if (isSeen()) look(); wait(); }, busy ? SOON_MS : LATER_MS);
  }
  new IntersectionObserver((found) => { if (found.some((entry) => entry.isIntersecting)) look(); }).observe(element);

  function take() {
    const value = props.value || {};
    if (value.notice !== undefined) element.querySelector(".gt-job-notice").textContent = value.notice;
    if (!value.rows) return;
    const before = new Map(rows.map((row) => [row.id, row.status]));
    rows = value.rows;
    seen = value.seen;
    element.querySelector(".gt-older").hidden = !value.older;
    table.hidden = rows.length === 0;
    element.querySelector(".gt-no-jobs").hidden = rows.length > 0;
    drawRows();
    drawDetail(value.detail);
    if (rows.some((row) => row.status === "done" && before.has(row.id) && before.get(row.id) !== "done")) trigger("ended", {});
  }

  function drawRows() {
    const body = table.tBodies[0];
    const kept = new Set(rows.map((row) => row.id));
    for (const [id, line] of lines) if (!kept.has(id)) { line.remove(); lines.delete(id); }
    if (open !== null && !kept.has(open)) close();
    let behind = null;
    for (const row of rows) {
      if (!lines.has(row.id)) lines.set(row.id, newLine(row));
      const line = lines.get(row.id);
      fill(line, row);
      const wanted = behind ? behind.nextElementSibling : body.firstElementChild;
      if (wanted !== line) body.insertBefore(line, wanted);
      behind = line;
      if (detail && row.id === open) {
        if (line.nextElementSibling !== detail.line) line.after(detail.line);
        behind = detail.line;
      }
    }
  }
  function newLine(row) {
    const line = make("tr", "gt-job");
    line.dataset.job = row.id;
    const name = make("td", "gt-name");
    const toggle = make("button", "gt-toggle", "", { type: "button" });
    toggle.setAttribute("aria-expanded", "false");
    toggle.append(make("span", "gt-id", row.id), make("b", "", row.command), make("span", "gt-title", row.title));
    name.append(toggle);
    const progress = make("td", "gt-progress-of-job");
    const bar = make("div", "gt-bar");
    bar.append(make("i"));
    progress.append(bar, make("small", "gt-quiet"), make("small", "gt-quiet gt-narrow"));
    const state = make("td", "gt-state-of-job");
    state.append(make("span", "gt-dot"), make("span"));
    line.append(name, progress, make("td", "gt-rate"), make("td", "gt-left"), make("td", "gt-took"), state);
    return line;
  }
  const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  const DOTS = { running: "gt-busy", stopping: "gt-busy", done: "gt-good", failed: "gt-bad", lost: "gt-bad", stopped: "gt-off", queued: "gt-off" };
  function fill(line, row) {
    const [, progress, rate, left, took, state] = line.cells;
    const bar = progress.firstElementChild;
    bar.hidden = row.share === null;
    bar.firstElementChild.style.width = `${100 * (row.share ?? 0)}%`;
    bar.className = `gt-bar gt-bar-${row.status}`;
    put(progress.children[1], row.words);
    put(progress.children[2], row.left ? `${row.left} left` : "");
    put(rate, row.rate);
    put(left, row.left ? `${row.left} left` : "");
    put(took, row.took);
    state.firstElementChild.className = `gt-dot ${DOTS[row.status]}`;
    put(state.lastElementChild, row.state);
    line.dataset.status = row.status;
  }

  function close() {
    detail?.line.remove();
    lines.get(open)?.querySelector(".gt-toggle").setAttribute("aria-expanded", "false");
    open = detail = null;
    asking = "";
  }
  function unfold(id) {
    const again = open === id;
    close();
    if (again) return;
    open = id;
    lines.get(id).querySelector(".gt-toggle").setAttribute("aria-expanded", "true");
    detail = newDetail();
    lines.get(id).after(detail.line);
    look();
  }
  function newDetail() {
    const line = make("tr", "gt-detail");
    const cell = make("td", "", "", { colSpan: 6 });
    const part = (tag, className) => { const node = make(tag, className); cell.append(node); return node; };
    const parts = { line, problem: part("div", "gt-problem"), acts: part("div", "gt-tools gt-acts"), curves: part("div", "gt-curves") };
    const folded = (title) => { const box = part("details", "gt-folded"); box.append(make("summary", "", title)); return box; };
    const log = folded("Log");
    parts.log = make("pre", "gt-log", "", { tabIndex: 0 });
    log.append(parts.log);
    log.open = ["running", "stopping"].includes(rows.find((row) => row.id === open)?.status);
    log.addEventListener("toggle", () => { parts.log.scrollTop = parts.log.scrollHeight; });
    const settings = folded("Settings and command line");
    parts.settings = make("dl", "gt-facts");
    const shell = make("div", "gt-tools");
    parts.shell = make("code", "gt-line");
    shell.append(parts.shell, make("button", "gt-copy", "Copy", { type: "button" }));
    settings.append(parts.settings, shell);
    line.append(cell);
    return parts;
  }
  function drawDetail(found) {
    if (!detail || !found || found.id !== open) return;
    detail.known = found;
    put(detail.problem, [found.error, found.hint].filter(Boolean).join(" "));
    detail.problem.hidden = !found.error;
    drawActs();
    drawCurves(found.curves);
    const atEnd = detail.log.scrollTop + detail.log.clientHeight >= detail.log.scrollHeight - 30;
    if (detail.log.textContent !== found.log) {
      detail.log.textContent = found.log || "Nothing was printed yet.";
      if (atEnd) detail.log.scrollTop = detail.log.scrollHeight;
    }
    put(detail.shell, found.line);
    if (!detail.settings.childElementCount)
      detail.settings.append(...found.settings.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
  }
  const QUESTIONS = {
    stop: () => ["Stop this job? What is done is kept, and it can be resumed.", [["stop", "Stop it"]]],
    delete: (known) => [
      "Delete this job? What it has finished stays.",
      [["delete", `Delete it, frees ${known.size}`], ...(known.unfinished ? [["delete_all", `Delete it and what is half-built, frees ${known.unfinished} more`]] : [])],
    ],
  };
  function drawActs() {
    const row = rows.find((each) => each.id === open);
    const known = detail.known;
    const key = JSON.stringify([row.acts, asking, known.size, known.unfinished, known.model]);
    if (detail.acts.dataset.key === key) return;
    const had = detail.acts.contains(document.activeElement);
    detail.acts.dataset.key = key;
    const button = (act, words, className = "gt-plain") => { const node = make("button", className, words, { type: "button" }); node.dataset.act = act; return node; };
    if (asking && row.acts.includes(asking)) {
      const [question, answers] = QUESTIONS[asking](known);
      detail.acts.replaceChildren(make("span", "", question), ...answers.map(([act, words]) => button(act, words, "gt-main")), button("leave", "Leave it"));
    } else {
      asking = "";
      const use = known.model ? [button("use", `Use the model ${known.model}`, "gt-main")] : [];
      detail.acts.replaceChildren(...use, ...row.acts.map((act) => button(QUESTIONS[act] ? `ask_${act}` : act, ACTS[act])));
    }
    if (had) detail.acts.querySelector("button")?.focus();
  }

  const SVG = "http://www.w3.org/2000/svg";
  const shape = (tag, attributes) => { const node = document.createElementNS(SVG, tag); for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value); return node; };
  const short = (value) => String(Number(value.toPrecision(3)));
  function drawCurves(curves) {
    const key = JSON.stringify(curves);
    if (detail.curves.dataset.key === key) return;
    detail.curves.dataset.key = key;
    detail.curves.replaceChildren(...curves.map(drawCurve));
  }
  function drawCurve(curve) {
    const [width, height] = [320, 90];
    const all = curve.lines.flatMap((line) => line.points);
    const [xs, ys] = [all.map((point) => point[0]), all.map((point) => point[1])];
    const [left, right] = [Math.min(...xs), Math.max(...xs)];
    const [low, high] = [Math.min(...ys, curve.unit ? 0 : Infinity), Math.max(...ys)];
    const x = (value) => width * (value - left) / (right - left || 1);
    const y = (value) => height - 2 - (height - 4) * (value - low) / (high - low || 1);
    const figure = make("figure", "gt-curve");
    const last = curve.lines.map((line) => `${line.label ? `${line.label} ` : ""}${short(line.points.at(-1)[1])}`).join(", ");
    const picture = shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": `${curve.title}, now ${last}` });
    for (const line of curve.lines)
      picture.append(shape("polyline", { points: line.points.map((point) => `${x(point[0])},${y(point[1])}`).join(" "), style: `stroke: ${line.band === null ? "var(--gt-accent)" : `var(--band-${line.band})`}` }));
    const legend = make("p", "gt-legend");
    for (const line of curve.lines) {
      const entry = make("span", "", "");
      if (line.band !== null) entry.append(make("i", "", "", { style: `background: var(--band-${line.band})` }));
      entry.append(`${line.label ? `${line.label}: ` : ""}${short(line.points.at(-1)[1])}${line.label ? " %" : ""}`);
      legend.append(entry);
    }
    const scale = make("small", "gt-quiet", `from ${short(low)} to ${short(high)}, ${curve.along} ${short(left)} to ${short(right)}`);
    figure.append(make("figcaption", "", curve.title), picture, legend, scale);
    return figure;
  }

  element.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    if (hit(".gt-older")) { most = rows.length + 50; return look(); }
    if (hit(".gt-copy")) return navigator.clipboard.writeText(detail.shell.textContent);
    if (hit("[data-act]")) return act(hit("[data-act]").dataset.act);
    if (hit(".gt-job")) unfold(Number(hit(".gt-job").dataset.job));
  });
  function act(name) {
    if (name.startsWith("ask_") || name === "leave") { asking = name === "leave" ? "" : name.slice(4); return drawActs(); }
    asking = "";
    const about = { run_id: open, open, most };
    if (name === "edit") return trigger("edit", about);
    if (name === "use") return trigger("use", { name: detail.known.model });
    if (name === "delete_all") return trigger("act", { ...about, action: "delete", with_unfinished: true });
    trigger("act", { ...about, action: name, with_unfinished: false });
  }
  watch("value", take);
  take();
  wait();
}
