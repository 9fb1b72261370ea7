// The form of a job: three choices on top, fields drawn from the command's settings. Redrawn only for a new key.
function jobForm(element, props, trigger, watch) {
  const make = (tag, className, text, more) => Object.assign(document.createElement(tag), { className, textContent: text ?? "" }, more);
  const find = (selector) => element.querySelector(selector);
  const CHECK_AFTER_MS = 300;
  let form = null;
  let waiting = 0;
  let serial = 0;

  function take() {
    const value = props.value || {};
    if (value.form && value.form.key !== form?.key) { form = value.form; draw(); }
    if (value.reply) drawReply(value.reply);
  }

  function draw() {
    element.querySelectorAll("[data-choice]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.choice === form.choice)));
    const body = make("form", "gt-fields-of-job", "", { noValidate: true, autocomplete: "off" });
    if (form.choice === "step") body.append(drawSteps());
    body.append(make("p", "gt-quiet gt-wide", form.words));
    form.fields.filter((field) => !field.more).forEach((field) => body.append(drawField(field)));
    const rest = form.fields.filter((field) => field.more);
    if (rest.length) {
      const more = make("details", "gt-wide gt-rest-of-form");
      const inside = make("div", "gt-fields-of-job");
      inside.append(...rest.map(drawField));
      more.open = rest.some((field) => field.value !== "" && field.kind === "text" && form.edited);
      more.append(make("summary", "", `More settings (${rest.length})`), inside);
      body.append(more);
    }
    const foot = make("div", "gt-tools gt-wide");
    foot.append(make("button", "gt-main", form.button, { type: "submit" }));
    if (form.estimates) foot.append(make("button", "gt-plain", "Estimate disk and time", { type: "button", id: "gt-estimate" }));
    body.append(foot, make("p", "gt-reply gt-wide", "", { role: "status" }), drawLine());
    find(".gt-form-place").replaceChildren(body);
    check();
  }
  function drawSteps() {
    const select = make("select", "", "", { id: "gt-step", name: "" });
    select.append(...form.steps.map(([value, words]) => make("option", "", words, { value, selected: value === form.command })));
    return wrap("gt-step", "Step", select, "", "gt-wide");
  }
  function drawField(field) {
    const id = `gt-field-${field.name}`;
    const input = drawInput(field, id);
    input.setAttribute("aria-describedby", `${id}-help`);
    const label = field.unit ? `${field.label} (${field.unit})` : field.label;
    return wrap(id, label, input, field.help, `gt-kind-${field.kind}${field.path ? " gt-path-field" : ""}`);
  }
  function drawInput(field, id) {
    if (field.kind === "choice") {
      const select = make("select", "", "", { id, name: field.name });
      select.append(...field.choices.map(([value, words]) => make("option", "", words, { value, selected: value === field.value })));
      return select;
    }
    if (field.kind === "tick") return make("input", "", "", { id, name: field.name, type: "checkbox", checked: field.value });
    const input = make("input", "", "", { id, name: field.name, type: "text", value: field.value, spellcheck: false });
    if (field.kind === "number") input.inputMode = "decimal";
    input.placeholder = field.default || (field.required ? "" : /default/.test(field.help) ? "by default" : "none");
    if (field.path || field.suggestions.length) {
      const list = make("datalist", "", "", { id: `${id}-list` });
      fillList(list, field.suggestions);
      input.setAttribute("list", list.id);
      input.after(list);
      input.known = list;
    }
    return input;
  }
  const fillList = (list, values) => list.replaceChildren(...values.map((value) => make("option", "", "", { value })));
  function wrap(id, label, input, help, className) {
    const box = make("div", `gt-field ${className}`);
    box.append(make("label", "", label, { htmlFor: id }), input);
    if (input.known) box.append(input.known);
    if (help) box.append(make("small", "gt-quiet", help, { id: `${id}-help` }));
    return box;
  }
  function drawLine() {
    const line = make("details", "gt-wide gt-shell");
    const tools = make("div", "gt-tools");
    tools.append(make("code", "gt-line"), make("button", "gt-copy", "Copy", { type: "button" }));
    line.append(make("summary", "", "The same in a shell"), tools);
    return line;
  }

  function drawReply(reply) {
    const words = find(".gt-reply");
    if (!words || (reply.key && reply.key !== form?.key)) return;
    words.textContent = reply.problem || reply.words || "";
    words.classList.toggle("gt-bad", Boolean(reply.problem));
    element.querySelectorAll(".gt-wrong").forEach((box) => box.classList.remove("gt-wrong"));
    const wrong = reply.field && find(`#gt-field-${reply.field}`);
    if (wrong) {
      wrong.closest(".gt-field").classList.add("gt-wrong");
      if (reply.loud) { wrong.closest("details")?.setAttribute("open", ""); wrong.focus(); }
    }
    if (reply.line !== undefined) find(".gt-line").textContent = reply.line;
    find(".gt-shell").hidden = !find(".gt-line").textContent;
    if (reply.paths) {
      const list = find(`#gt-field-${reply.completed}-list`);
      if (list) fillList(list, reply.paths);
    }
  }

  function typed() {
    const values = {};
    element.querySelectorAll("[name]").forEach((input) => {
      if (input.name) values[input.name] = input.type === "checkbox" ? input.checked : input.value;
    });
    return values;
  }
  const send = (event, more) => trigger(event, { command: form.command, key: form.key, values: typed(), serial: ++serial, ...more });
  function choose(command) { // nothing may be typed into a form that is about to go
    element.querySelectorAll("form :is(input, select, button)").forEach((input) => { input.disabled = true; });
    trigger("choose", { command });
  }
  function check(input) {
    clearTimeout(waiting);
    const path = input?.closest(".gt-path-field") ? input.name : "";
    waiting = setTimeout(() => send("check", { completed: path }), CHECK_AFTER_MS);
  }

  element.addEventListener("input", (event) => { if (event.target.id !== "gt-step") check(event.target); });
  element.addEventListener("change", (event) => { if (event.target.id === "gt-step") choose(event.target.value); });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    send("start");
  });
  element.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-choice]");
    if (choice && choice.dataset.choice !== form.choice) choose(choice.dataset.choice);
    if (event.target.closest("#gt-estimate")) send("estimate");
    if (event.target.closest(".gt-shell .gt-copy")) navigator.clipboard.writeText(find(".gt-line").textContent);
  });
  watch("value", take);
  take();
}
