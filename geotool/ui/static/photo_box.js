// The photo box: drop, paste or choose photos anywhere on the page. Shows them from the browser's own
// memory at once; only their upload goes to the server, unchanged, so that EXIF stays as it was.
function photoBox(element, props, trigger, upload, watch) {
  const find = (selector) => element.querySelector(selector);
  const input = find("input");
  const local = new Map(); // key -> address of the file in the browser's memory
  let count = 0;

  async function take(files) {
    const chosen = [...files].slice(0, props.most_files);
    if (!chosen.length) return;
    local.forEach((address) => URL.revokeObjectURL(address));
    local.clear();
    const keyed = chosen.map((file) => ({ key: `f${++count}`, file }));
    keyed.forEach(({ key, file }) => local.set(key, URL.createObjectURL(file)));
    draw({ items: keyed.map(({ key, file }) => ({ key, name: file.name, status: "waiting", label: file.name })), selected: 0, notice: "" });
    const sent = [];
    for (const { key, file } of keyed) sent.push({ key, name: file.name, ...(await send(file)) });
    trigger("photos", { files: sent });
  }
  async function send(file) {
    if (file.size > props.most_mb * 1e6) return { problem: `It has ${Math.round(file.size / 1e6)} MB. The limit is ${props.most_mb} MB: make it smaller.` };
    if (file.size === 0) return { problem: "The file is empty. Choose another one." };
    try {
      return { file: (await upload(file)).path };
    } catch {
      return { problem: "It could not be handed to geotool. Is the program still running?" };
    }
  }

  function draw(value) {
    const items = value?.items || [];
    const current = items[value?.selected] || null;
    element.dataset.state = items.length ? "photos" : "empty";
    find(".gt-notice").textContent = value?.notice || "";
    drawPhoto(find(".gt-photo"), current);
    const strip = find(".gt-strip");
    strip.hidden = items.length < 2;
    strip.replaceChildren(...items.map((item, index) => thumbnail(item, index, index === value.selected)));
  }
  const addressOf = (item) => item.preview || local.get(item.key) || "";
  function drawPhoto(image, item) {
    image.hidden = !item;
    if (!item) return;
    image.alt = `Photo ${item.name}`;
    const address = addressOf(item);
    if (image.getAttribute("src") !== address) image.setAttribute("src", address);
    image.onerror = () => { image.removeAttribute("src"); };
  }
  function thumbnail(item, index, selected) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "gt-thumb";
    button.title = item.label;
    button.setAttribute("aria-label", item.label);
    button.setAttribute("aria-pressed", String(selected));
    const picture = document.createElement("img");
    picture.alt = "";
    picture.src = addressOf(item);
    picture.onerror = () => picture.remove();
    const dot = document.createElement("span");
    dot.className = `gt-state gt-is-${item.status}`;
    button.append(picture, dot);
    button.addEventListener("click", () => trigger("pick", { index }));
    return button;
  }

  element.addEventListener("click", (event) => event.target.closest(".gt-choose") && input.click());
  input.addEventListener("change", () => { take(input.files); input.value = ""; });
  const shown = () => element.isConnected && element.offsetParent !== null;
  const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    element.classList.toggle("gt-dragging", shown());
  });
  window.addEventListener("dragleave", (event) => event.relatedTarget || element.classList.remove("gt-dragging"));
  window.addEventListener("drop", (event) => {
    element.classList.remove("gt-dragging");
    if (!hasFiles(event)) return;
    event.preventDefault(); // or the browser would leave the page for the picture
    if (shown()) take(event.dataTransfer.files);
  });
  window.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files || [];
    if (shown() && files.length) { event.preventDefault(); take(files); }
  });
  watch("value", () => draw(props.value));
  draw(props.value);
}
