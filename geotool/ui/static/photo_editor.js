// Cut a part out of the photo, or paint over what misleads. Works on a copy in the browser: the original
// file is not touched, and what a canvas writes carries no EXIF.
function photoEditor(element, props, trigger, upload) {
  const MOST_PX = 2048; // of the longer side: far more than a model looks at
  const PAINT = "#808080";
  const find = (selector) => element.querySelector(selector);
  const [canvas, panel, words] = ["canvas", ".gt-panel", ".gt-words"].map(find);
  const pen = canvas.getContext("2d");
  let picture = null; // the photo as it was opened
  let steps = []; // {tool, box}: what was done, in pixels of the opened photo
  let tool = "paint";
  let from = null;

  async function open() {
    const shown = document.querySelector("#gt-photo .gt-photo");
    if (!shown?.getAttribute("src")) return;
    picture = new Image();
    picture.src = shown.src;
    try { await picture.decode(); } catch { say("This picture cannot be shown here, so it cannot be edited."); return; }
    steps = [];
    panel.hidden = false;
    find(".gt-edit").setAttribute("aria-expanded", "true");
    choose(tool);
    draw();
    panel.scrollIntoView({ block: "nearest" });
  }
  function close() {
    panel.hidden = true;
    picture = null;
    find(".gt-edit").setAttribute("aria-expanded", "false");
  }
  const say = (text) => { words.textContent = text; };
  const whole = () => ({ x: 0, y: 0, width: picture.naturalWidth, height: picture.naturalHeight });
  const view = () => steps.findLast((step) => step.tool === "cut")?.box || whole();

  function draw(rubber) {
    const part = view();
    const scale = Math.min(1, MOST_PX / Math.max(part.width, part.height));
    canvas.width = Math.max(1, Math.round(part.width * scale));
    canvas.height = Math.max(1, Math.round(part.height * scale));
    const place = (box) => [(box.x - part.x) * scale, (box.y - part.y) * scale, box.width * scale, box.height * scale];
    pen.drawImage(picture, part.x, part.y, part.width, part.height, 0, 0, canvas.width, canvas.height);
    pen.fillStyle = PAINT;
    steps.filter((step) => step.tool === "paint").forEach((step) => pen.fillRect(...place(step.box)));
    if (rubber) {
      pen.setLineDash([canvas.width / 60, canvas.width / 90]);
      pen.lineWidth = Math.max(2, canvas.width / 250);
      for (const colour of ["#ffffff", "#1d4f91"]) { pen.strokeStyle = colour; pen.strokeRect(...place(rubber)); pen.lineDashOffset = canvas.width / 80; }
      pen.setLineDash([]);
    }
    const idle = steps.length === 0;
    [".gt-undo", ".gt-reset", ".gt-go"].forEach((name) => { find(name).disabled = idle; });
  }
  function choose(name) {
    tool = name;
    element.querySelectorAll("[data-tool]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.tool === name)));
    say(name === "cut" ? "Drag a box around the part to keep." : "Drag boxes over what misleads: people, a watermark, a car.");
  }

  // --- boxes, in pixels of the photo
  function pointOf(event) {
    const frame = canvas.getBoundingClientRect();
    const part = view();
    const clamp = (share) => Math.min(1, Math.max(0, share));
    return { x: part.x + clamp((event.clientX - frame.left) / frame.width) * part.width, y: part.y + clamp((event.clientY - frame.top) / frame.height) * part.height };
  }
  const boxOf = (a, b) => ({ x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) });
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); from = pointOf(event); });
  canvas.addEventListener("pointermove", (event) => from && draw(boxOf(from, pointOf(event))));
  canvas.addEventListener("pointercancel", () => { from = null; draw(); });
  canvas.addEventListener("pointerup", (event) => {
    if (!from) return;
    const box = boxOf(from, pointOf(event));
    from = null;
    if (Math.min(box.width, box.height) >= (tool === "cut" ? 32 : 2)) steps.push({ tool, box });
    draw();
  });

  async function locate() {
    find(".gt-go").disabled = true;
    say("Locating the edited picture.");
    draw();
    find(".gt-go").disabled = true;
    try {
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
      const sent = await upload(new File([blob], "edited.jpg", { type: "image/jpeg" }));
      trigger("edited", { file: sent.path });
      close();
    } catch {
      say("The edited picture could not be handed to geotool. Is the program still running?");
    }
  }
  element.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest(selector);
    if (hit(".gt-edit")) panel.hidden ? open() : close();
    if (hit("[data-tool]")) choose(hit("[data-tool]").dataset.tool);
    if (hit(".gt-undo")) { steps.pop(); draw(); }
    if (hit(".gt-reset")) { steps = []; draw(); }
    if (hit(".gt-leave")) close();
    if (hit(".gt-go")) locate();
  });
  // Another photo: what was painted belonged to the one before.
  new MutationObserver(() => picture && document.querySelector("#gt-photo .gt-photo")?.src !== picture.src && close())
    .observe(document.querySelector("#gt-photo"), { subtree: true, attributeFilter: ["src"] });
}
