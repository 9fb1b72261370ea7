// The cards of the models. Redrawn only where something has changed, so that a path that is being typed stays.
function modelCards(element, props, trigger, watch) {
  const WORKING_MS = 500;
  const make = (tag, className, text, more) => Object.assign(document.createElement(tag), { className, textContent: text ?? "" }, more);
  const find = (selector) => element.querySelector(selector);
  const drawn = new Map(); // by model: the card and what it was drawn from
  let working = false; // in the background
  let loading = false; // the model in use
  let following = false;
  let notice = "";

  const isSeen = () => element.isConnected && element.offsetParent !== null && !document.hidden;
  const look = () => trigger("look", {});
  new IntersectionObserver((found) => { if (found.some((entry) => entry.isIntersecting)) look(); }).observe(element);
  function follow() {
    following = (working || loading) && element.isConnected;
    if (following) setTimeout(() => { if (isSeen()) look(); follow(); }, WORKING_MS);
  }

  function take() {
    const value = props.value || {};
    if (value.notice !== undefined) notice = value.notice;
    find(".gt-models-notice").textContent = notice;
    if (!value.cards) return;
    value.cards.forEach((card, index) => {
      const key = JSON.stringify(card);
      const before = drawn.get(card.name);
      if (before?.key !== key) {
        const node = drawCard(card, before?.node);
        before ? before.node.replaceWith(node) : find(".gt-cards").append(node);
        drawn.set(card.name, { key, node, card });
      }
      const node = drawn.get(card.name).node;
      if (find(".gt-cards").children[index] !== node) find(".gt-cards").insertBefore(node, find(".gt-cards").children[index] || null);
    });
    const names = new Set(value.cards.map((card) => card.name));
    for (const [name, { node }] of drawn) if (!names.has(name)) { node.remove(); drawn.delete(name); }
    loading = value.loading;
    drawWork(value.work);
    if (!following) follow();
    drawMachine(value.machine, value.leaves);
  }
  const facts = (pairs) => {
    const list = make("dl", "gt-facts");
    list.append(...pairs.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
    return list;
  };
  function drawCard(card, before) {
    const node = make("article", "gt-card gt-model");
    const head = make("div", "gt-model-head");
    head.append(make("h2", "", card.title), make("span", `gt-chip gt-model-${card.state.replace(" ", "-")}`, card.state));
    const acts = make("div", "gt-tools");
    const button = (act, words, className = "gt-plain") => { const made = make("button", className, words, { type: "button" }); made.dataset.act = act; made.dataset.name = card.name; return made; };
    if (card.can_use) acts.append(button("use", "Use this model", "gt-main"));
    if (card.get) acts.append(button("get", card.get, "gt-main"));
    if (card.can_verify) acts.append(button("verify", "Verify"));
    if (card.remove) acts.append(button("ask", "Delete"));
    node.append(head, make("p", "", card.purpose), facts([...card.facts, ...card.accuracy.map((line) => ["Accuracy", line])]), acts);
    if (card.get) {
      const side = make("details", "gt-folded");
      const row = make("div", "gt-tools");
      const path = make("input", "gt-side-path", before?.querySelector(".gt-side-path")?.value ?? "", { type: "text", placeholder: "/media/stick/clip", spellcheck: false });
      path.value = before?.querySelector(".gt-side-path")?.value ?? "";
      path.setAttribute("aria-label", "Folder or file on this machine");
      side.open = before?.querySelector("details")?.open ?? false;
      row.append(path, button("side_load", "Load from there"));
      side.append(make("summary", "", "Without a network: load it from a folder or file"), make("p", "gt-quiet", props.value.side_help), row);
      node.append(side);
    }
    return node;
  }
  function drawWork(work) {
    const box = find(".gt-work");
    const was = working;
    working = work?.phase === "running";
    box.hidden = !work;
    if (work) {
      box.querySelector("p").textContent = work.words;
      box.querySelector("p").className = work.phase === "failed" ? "gt-bad" : "";
      box.querySelector(".gt-bar").hidden = !working || work.share === null;
      box.querySelector(".gt-bar i").style.width = `${100 * (work.share ?? 0)}%`;
      box.querySelector("button").hidden = !working;
    }
    element.querySelectorAll('[data-act="get"], [data-act="side_load"], [data-act="verify"]').forEach((button) => { button.disabled = working; });
    if (was && !working) trigger("ended", {});
  }
  function drawMachine(machine, leaves) {
    const key = JSON.stringify([machine, leaves]);
    const box = find(".gt-machine");
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    const list = make("ul", "");
    list.append(...leaves.map((line) => make("li", "", line)));
    box.replaceChildren(make("h2", "", "This machine"), facts(machine), make("h2", "", "Nothing leaves this machine, except"), list);
  }
  function ask(name) {
    const { node, card } = drawn.get(name);
    const acts = node.querySelector(".gt-tools");
    const button = (act, words, className) => { const made = make("button", className, words, { type: "button" }); made.dataset.act = act; made.dataset.name = name; return made; };
    drawn.get(name).key = ""; // drawn anew with the next value
    acts.replaceChildren(make("span", "", card.remove), button("remove", "Delete it", "gt-main"), button("leave", "Keep it", "gt-plain"));
    acts.querySelector("[data-act=leave]").focus();
  }
  element.addEventListener("click", (event) => {
    if (event.target.closest(".gt-work button")) return trigger("stop", {});
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const { act, name } = button.dataset;
    notice = "";
    if (act === "ask") return ask(name);
    if (act === "leave") return take();
    if (act === "side_load") return trigger("side_load", { name, path: button.closest("details").querySelector(".gt-side-path").value });
    trigger(act, { name });
  });
  watch("value", take);
  take();
}
