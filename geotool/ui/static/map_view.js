// The map's frame: hands it documents, overlays and the theme, and hears its clicks.
// The frame is sandboxed: it cannot reach this page, and this page talks to it by messages only.
function mapView(element, props, trigger, watch) {
  const frame = element.querySelector("iframe");
  let shown = {}; // the last whole value: a document with what lies over it
  let ready = false;
  let heatOn = false; // stays on from photo to photo
  let heatFor = null; // the key of the map that a heat is being computed for
  let selected = null; // chosen in the table, perhaps before the frame is there
  const post = (message) => ready && frame.contentWindow.postMessage({ target: "geotool-map", ...message }, "*");
  const theme = () => (document.body.classList.contains("dark") ? "dark" : "light");

  const overlays = () => ({ overlay: shown.overlay, areas: shown.areas, dots: shown.dots });

  function render() {
    const value = props.value || {};
    const before = shown.document;
    shown = value;
    if (!value.document || value.document === before) return post(overlays());
    dropHeat();
    ready = false;
    selected = null;
    frame.srcdoc = value.document;
  }

  // --- heat: asked for by the map once its layer is on, and drawn only on the map that asked
  window.addEventListener("geotool-heat", ({ detail: { key, heat } }) => {
    if (heat.image && key === heatFor) heatFor = null;
    if (key === shown.key) post({ heat });
  });
  function dropHeat() {
    if (heatFor !== null) trigger("heat_off", { key: heatFor });
    heatFor = null;
  }
  function switchHeat({ shown: on, needed }) {
    heatOn = on;
    if (!on) return dropHeat();
    if (needed) trigger("heat", { key: (heatFor = shown.key) });
  }
  window.addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.data?.source !== "geotool-map") return;
    const message = event.data;
    if (message.type === "ready") { ready = true; post({ theme: theme(), ...overlays(), select: selected, showHeat: heatOn }); }
    if (message.type === "click") trigger("truth", { lat: message.lat, lon: message.lon });
    if (message.type === "box") trigger("box", { south: message.south, west: message.west, north: message.north, east: message.east });
    if (message.type === "circle") trigger("circle", { lat: message.lat, lon: message.lon, radius_km: message.radius_km });
    if (message.type === "heat") switchHeat(message);
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
