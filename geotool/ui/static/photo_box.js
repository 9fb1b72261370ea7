// The photo box: drop, paste or choose photos or folders anywhere on the page. Shows them from the browser's
// own memory at once; only their upload goes to the server, unchanged, so that EXIF stays as it was.
function photoBox(element, props, trigger, upload, watch) {
  const AT_ONCE = 4; // uploads under way
  const find = (selector) => element.querySelector(selector);
  const input = find("input");
  const sending = find(".gt-sending");
  const local = new Map(); // key -> address of the file in the browser's memory
  let count = 0;
  let drop = null; // the drop whose files are being handed over; a newer one replaces it

  async function take(files) {
    const chosen = [...files].slice(0, props.most_files);
    if (!chosen.length) return;
    const mine = (drop = { stopped: false });
    // A batch that still runs makes room. It is named: this may reach the server after the new photos do.
    if (props.value?.batch) trigger("stop", { batch: props.value.batch });
    local.forEach((address) => URL.revokeObjectURL(address));
    local.clear();
    const keyed = chosen.map((file) => ({ key: `f${++count}`, file }));
    keyed.forEach(({ key, file }) => local.set(key, URL.createObjectURL(file)));
    const items = keyed.slice(0, props.strip).map(({ key, file }, index) => ({ key, index, name: file.name, status: "waiting", label: file.name }));
    draw({ items, selected: 0, total: keyed.length, notice: "" });
    const sent = await sendAll(keyed, mine);
    if (mine !== drop) return;
    sending.hidden = true;
    const left = files.length - chosen.length;
    trigger("photos", { files: sent, notice: left > 0 ? `Only the first ${chosen.length} photos were taken; ${left} were left out.` : "" });
  }
  async function sendAll(keyed, mine) {
    const sent = [];
    let next = 0;
    const worker = async () => {
      while (next < keyed.length && !mine.stopped && mine === drop) {
        const at = next++;
        const { key, file } = keyed[at];
        sent[at] = { key, name: file.name, ...(await send(file)) };
        if (keyed.length > 1 && mine === drop) tellSending(sent.filter(Boolean).length, keyed.length);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return sent.filter(Boolean);
  }
  function tellSending(done, total) {
    sending.hidden = done === total;
    sending.querySelector("span").textContent = `Handing over ${done} of ${total} photos.`;
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

  // --- folders: a dropped one is walked through, a chosen one comes as a list of files
  const PICTURE = /\.(jpe?g|png|webp|hei[cf]|avif|gif|bmp)$/i;
  async function filesOf(transfer) {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
    return (await Promise.all(entries.map(walk))).flat();
  }
  async function walk(entry) {
    if (entry.isFile) return PICTURE.test(entry.name) ? [await new Promise((done, fail) => entry.file(done, fail))] : [];
    const reader = entry.createReader();
    const inside = [];
    for (;;) { // a reader gives a hundred entries at a time
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) break;
      inside.push(...some);
    }
    inside.sort((a, b) => a.name.localeCompare(b.name));
    return (await Promise.all(inside.map(walk))).flat();
  }

  // --- drawing: of a large batch only the strip around the photo that is shown
  function draw(value) {
    const items = value?.items || [];
    const current = items.find((item) => item.index === value?.selected) || null;
    element.dataset.state = items.length ? "photos" : "empty";
    find(".gt-notice").textContent = value?.notice || "";
    drawPhoto(find(".gt-photo"), current);
    const strip = find(".gt-strip");
    strip.hidden = items.length < 2;
    const thumbs = items.map((item) => thumbnail(item, item.index === value.selected));
    const more = (value?.total || 0) - items.length;
    if (more > 0) thumbs.push(Object.assign(document.createElement("span"), { className: "gt-quiet", textContent: `and ${more} more in the table below` }));
    strip.replaceChildren(...thumbs);
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
  const thumbs = new Map(); // key -> button: pictures are decoded once, not at every step of a batch
  function thumbnail(item, selected) {
    const address = addressOf(item);
    let button = thumbs.get(item.key);
    if (button?.dataset.address !== address) {
      if (thumbs.size > 400) thumbs.clear();
      thumbs.set(item.key, (button = newThumbnail(address)));
    }
    button.title = item.label;
    button.setAttribute("aria-label", item.label);
    button.setAttribute("aria-pressed", String(selected));
    button.lastChild.className = `gt-state gt-is-${item.status}`;
    button.onclick = () => trigger("pick", { index: item.index });
    return button;
  }
  function newThumbnail(address) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "gt-thumb";
    button.dataset.address = address;
    const picture = Object.assign(document.createElement("img"), { alt: "", decoding: "async", src: address });
    picture.onerror = () => picture.remove();
    button.append(picture, document.createElement("span"));
    return button;
  }

  element.addEventListener("click", (event) => {
    if (event.target.closest(".gt-choose")) input.click();
    if (event.target.closest(".gt-enough") && drop) drop.stopped = true;
  });
  input.addEventListener("change", () => { take([...input.files]); input.value = ""; });
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
    if (shown()) filesOf(event.dataTransfer).then(take);
  });
  window.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files || [];
    if (shown() && files.length) { event.preventDefault(); take(files); }
  });
  watch("value", () => draw(props.value));
  draw(props.value);
}
