// The map's frame: hands it documents, overlays and the theme, and hears its clicks.
// The frame is sandboxed: it cannot reach this page, and this page talks to it by messages only.
function mapView(element, props, trigger, watch) {
  const frame = element.querySelector("iframe");
  let shownDocument = null;
  let ready = false;
  let selected = null; // chosen in the table, perhaps before the frame is there
  const post = (message) => ready && frame.contentWindow.postMessage({ target: "geotool-map", ...message }, "*");
  const theme = () => (document.body.classList.contains("dark") ? "dark" : "light");

  function render() {
    const value = props.value || {};
    if (value.document && value.document !== shownDocument) {
      shownDocument = value.document;
      ready = false;
      selected = null;
      frame.srcdoc = value.document;
    } else {
      post({ overlay: value.overlay, dots: value.dots });
    }
  }
  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.data?.source !== "geotool-map") return;
    const message = event.data;
    if (message.type === "ready") { ready = true; post({ theme: theme(), overlay: props.value?.overlay, dots: props.value?.dots, select: selected }); }
    if (message.type === "click") trigger("truth", { lat: message.lat, lon: message.lon });
    if (message.type === "box") trigger("box", { south: message.south, west: message.west, north: message.north, east: message.east });
    if (message.type === "pick") trigger("pick", { index: message.index });
    if (message.type === "hover" || message.type === "select") tell(message.type, message.rank, "map");
  });
  const tell = (type, rank, from) => window.dispatchEvent(new CustomEvent("geotool-pin", { detail: { type, rank, from } }));
  window.addEventListener("geotool-pin", ({ detail }) => {
    if (detail.type === "select") selected = detail.rank;
    if (detail.from !== "map") post({ [detail.type]: detail.rank });
  });
  new MutationObserver(() => post({ theme: theme() })).observe(document.body, { attributeFilter: ["class"] });
  watch("value", render);
  render();
}
