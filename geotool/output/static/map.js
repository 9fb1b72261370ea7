// The behaviour of the map: base map, city names, truth overlay, and messages to and from the window.
// It runs in a sandboxed frame: the window reaches it by postMessage only. All text goes in as textContent.
"use strict";

// Folium gives each marker its own icon only after creating it with the default one, a picture we do not ship.
L.Marker.prototype.options.icon = L.divIcon({ className: "" });

function geotoolMap(map, settings) {
  const root = document.documentElement;
  const live = window.parent !== window;
  const send = (message) => live && window.parent.postMessage({ source: "geotool-map", ...message }, "*");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // --- theme: the system's, until the window says otherwise
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let toldTheme = null;
  function setTheme() {
    root.dataset.theme = toldTheme || (dark.matches ? "dark" : "light");
    countries.forEach((layer) => layer.setStyle(landStyle()));
  }

  // --- base map: one canvas, and a copy of the world on each side only once somebody looks there
  const basePane = map.createPane("base");
  basePane.style.zIndex = 150;
  basePane.style.pointerEvents = "none";
  const canvas = L.canvas({ pane: "base", padding: 0.5 });
  const countries = new Map();
  let outlines = null;
  const landStyle = () => ({ color: colour("--border"), weight: 0.8, fillColor: colour("--land"), fillOpacity: 1 });
  function drawCountries() {
    if (!outlines) return;
    const bounds = map.getBounds();
    const first = Math.floor((bounds.getWest() + 180) / 360);
    const last = Math.floor((bounds.getEast() + 180) / 360);
    for (let turn = Math.max(first, -2); turn <= Math.min(last, 2); turn++) {
      if (countries.has(turn)) continue;
      const coordsToLatLng = ([lon, lat]) => L.latLng(lat, lon + 360 * turn);
      const options = { interactive: false, pane: "base", renderer: canvas, style: landStyle(), coordsToLatLng };
      countries.set(turn, L.geoJSON(outlines, options).addTo(map));
    }
  }

  // --- city names: the largest in view that do not run into each other
  const cityPane = map.createPane("cities");
  cityPane.style.zIndex = 350;
  cityPane.style.pointerEvents = "none";
  cityPane.setAttribute("aria-hidden", "true");
  const MOST_CITIES = 45;
  let cities = [];
  function drawCities() {
    settings.cityLayer.clearLayers();
    const bounds = map.getBounds();
    const middle = map.getCenter().lng;
    const taken = [];
    for (const [name, lat, lon] of cities) {
      if (taken.length >= MOST_CITIES) break;
      const place = L.latLng(lat, lon + 360 * Math.round((middle - lon) / 360));
      if (!bounds.contains(place)) continue;
      const { x, y } = map.latLngToContainerPoint(place);
      const box = [x - 6, y - 10, x + 14 + 7 * name.length, y + 10];
      if (taken.some((b) => b[0] < box[2] && b[2] > box[0] && b[1] < box[3] && b[3] > box[1])) continue;
      taken.push(box);
      addLabel(settings.cityLayer, place, name, "city", "cities", [2, 8]);
    }
  }
  function addLabel(layer, place, text, className, pane, anchor = [0, 0]) {
    const element = document.createElement("span");
    element.textContent = text;
    element.className = className;
    const icon = L.divIcon({ html: element, className: "", iconSize: [0, 0], iconAnchor: anchor });
    return L.marker(place, { pane, icon, interactive: false, keyboard: false }).addTo(layer);
  }

  // --- truth: star, rings, and the line from the answer with its length
  const truthLayer = L.layerGroup().addTo(map);
  const labelPane = map.createPane("labels");
  labelPane.style.zIndex = 640;
  labelPane.style.pointerEvents = "none";
  const STAR = '<svg viewBox="0 0 24 24" width="30" height="30" aria-hidden="true">' +
    '<path d="M12 1.6l3.2 6.9 7.5.8-5.6 5.1 1.6 7.4L12 18l-6.7 3.8 1.6-7.4-5.6-5.1 7.5-.8z"/></svg>';
  let overlay = null;
  let errorLabel = null;
  let star = null;
  function drawOverlay(next) {
    truthLayer.clearLayers();
    settings.ringLayer.clearLayers();
    errorLabel = null;
    overlay = next && next.truth ? next : null;
    map.getContainer().dataset.truth = overlay ? "1" : "0";
    if (!overlay) return;
    (overlay.rings || []).forEach(drawRing);
    if (overlay.line) {
      L.polyline(overlay.line, { className: "error-line", color: colour(`--band-${overlay.band}`), interactive: false }).addTo(truthLayer);
      errorLabel = addLabel(truthLayer, overlay.truth, overlay.label, "error-label", "labels");
    }
    const icon = L.divIcon({ html: STAR, className: "truth", iconSize: [30, 30], iconAnchor: [15, 15] });
    star = L.marker(overlay.truth, { icon, interactive: false, keyboard: false, zIndexOffset: -2000 }).addTo(truthLayer);
    placeErrorLabel();
    placeRingLabels();
    if (!map.getBounds().contains(overlay.truth)) showAll();
  }
  function drawRing(ring) {
    const style = { className: "ring", color: colour(`--band-${ring.band}`), weight: 1.4, fill: false, interactive: false, smoothFactor: 0.4 };
    L.polyline(ring.points, style).addTo(settings.ringLayer);
    const label = addLabel(settings.ringLayer, ring.points[0], ring.label, "ring-label", "labels");
    label.ring = ring;
  }
  function placeRingLabels() {
    // On the northernmost part in view; a ring too small to tell from its star needs no label.
    const bounds = map.getBounds().pad(-0.06);
    settings.ringLayer.eachLayer((layer) => {
      if (!layer.ring || !layer.getElement() || !overlay) return;
      const points = layer.ring.points;
      const radius_px = map.latLngToContainerPoint(overlay.truth).y - map.latLngToContainerPoint(points[0]).y;
      const seen = points.filter((point) => bounds.contains(point)).sort((a, b) => b[0] - a[0]);
      layer.getElement().style.display = radius_px < 34 || !seen.length ? "none" : "";
      if (seen.length) layer.setLatLng(seen[0]);
    });
  }
  function placeErrorLabel() {
    // On the middle of the line, or under the star where the line is too short to carry a label.
    if (!errorLabel || !star) return;
    const [from, to] = [overlay.line[0], overlay.truth];
    const length_px = map.latLngToContainerPoint(from).distanceTo(map.latLngToContainerPoint(to));
    // Behind a pin at the same place only the points of a larger star can be seen.
    star.getElement().classList.toggle("is-near", length_px < 26);
    const under = map.containerPointToLatLng(map.latLngToContainerPoint(to).add([0, 34]));
    const middle = overlay.line.length > 2
      ? overlay.line[Math.floor(overlay.line.length / 2)]
      : [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
    errorLabel.setLatLng(length_px < 150 ? under : middle);
  }
  function showAll() {
    const points = pins().map((pin) => pin.getLatLng());
    if (overlay) points.push(L.latLng(overlay.truth));
    if (points.length) map.fitBounds(L.latLngBounds(points), { padding: [40, 40], maxZoom: 6 });
  }

  // --- pins: linked with the table of the window
  const rankOf = (element) => Number((/\bpin-(\d+)/.exec(element.className) || [])[1]);
  function pins() {
    const found = [];
    map.eachLayer((layer) => /\bpin\b/.test(layer.options.icon?.options.className || "") && found.push(layer));
    return found;
  }
  function mark(className, rank) {
    document.querySelectorAll(".pin").forEach((pin) => pin.classList.toggle(className, rankOf(pin) === rank));
  }
  function selectPin(rank) {
    mark("is-selected", rank);
    const pin = pins().find((layer) => layer.getElement() && rankOf(layer.getElement()) === rank);
    if (pin && !map.getBounds().contains(pin.getLatLng())) map.panTo(pin.getLatLng());
  }
  const container = map.getContainer();
  const pinAt = (event) => event.target.closest && event.target.closest(".pin");
  container.addEventListener("mouseover", (event) => pinAt(event) && send({ type: "hover", rank: rankOf(pinAt(event)) }));
  container.addEventListener("mouseout", (event) => pinAt(event) && send({ type: "hover", rank: null }));
  const choose = (event) => {
    if (!pinAt(event)) return;
    selectPin(rankOf(pinAt(event)));
    send({ type: "select", rank: rankOf(pinAt(event)) });
  };
  container.addEventListener("click", choose);
  container.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && choose(event));

  // --- a click on the map is the truth; a double click only zooms
  let waiting = null;
  map.on("dblclick", () => clearTimeout(waiting));
  map.on("click", ({ latlng }) => {
    clearTimeout(waiting);
    const lon = L.Util.wrapNum(latlng.lng, [-180, 180], true);
    waiting = setTimeout(() => send({ type: "click", lat: latlng.lat, lon }), 230);
  });

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.data?.target !== "geotool-map") return;
    const message = event.data;
    if ("theme" in message) { toldTheme = message.theme; setTheme(); }
    if ("overlay" in message) drawOverlay(message.overlay);
    if ("select" in message) selectPin(message.select);
    if ("hover" in message) mark("is-hovered", message.hover);
    send({ type: "drawn" });
  });

  // In one file the data stand inside; in the window they come from our own server.
  async function read(name) {
    const inside = document.getElementById(name);
    return inside ? JSON.parse(inside.textContent) : (await fetch(`${settings.basemapUrl}/${name}`)).json();
  }
  L.control.scale({ imperial: false }).addTo(map);
  map.attributionControl.setPrefix("Leaflet | Natural Earth | GeoNames");
  dark.addEventListener("change", setTheme);
  setTheme();
  map.on("moveend", () => { drawCountries(); drawCities(); placeErrorLabel(); placeRingLabels(); });
  map.on("overlayadd", placeRingLabels);
  read("countries.geojson").then((data) => {
    outlines = data;
    drawCountries();
    container.dataset.basemap = "ready";
    send({ type: "basemap" });
  });
  read("cities.json").then((data) => { cities = data; drawCities(); });
  drawOverlay(settings.overlay);
  send({ type: "ready" });
}
