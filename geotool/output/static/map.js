// The behaviour of the map: base map, city names, truth overlay, and messages to and from the window.
// It runs in a sandboxed frame: the window reaches it by postMessage only. All text goes in as textContent.
"use strict";

// Folium gives each marker its own icon only after creating it with the default one, a picture we do not ship.
L.Marker.prototype.options.icon = L.divIcon({ className: "" });

function geotoolMap(map, settings) {
  const root = document.documentElement;
  const layers = settings.layers;
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
    layers.cities.clearLayers();
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
      addLabel(layers.cities, place, name, "city", "cities", [2, 8]);
    }
  }
  function addLabel(layer, place, text, className, pane, anchor = [0, 0]) {
    const element = document.createElement("span");
    element.textContent = text;
    element.className = className;
    const icon = L.divIcon({ html: element, className: "", iconSize: [0, 0], iconAnchor: anchor });
    return L.marker(place, { pane, icon, interactive: false, keyboard: false }).addTo(layer);
  }

  // --- the answer: circles of confidence around the best place, candidates linked to their places
  const circles = [];
  function drawAnswer({ circles: drawn, places }) {
    for (const circle of drawn) {
      const shape = { interactive: false, smoothFactor: 0.4 };
      L.polygon(circle.fill, { ...shape, stroke: false, className: `circle-fill is-${circle.kind}` }).addTo(map);
      L.polyline(circle.outline, { ...shape, className: `circle is-${circle.kind}` }).addTo(map);
      const label = addLabel(map, circle.outline[0], circle.label, "circle-label", "labels");
      circles.push({ label, points: circle.outline, lowest: circle.kind === "half" });
    }
    for (const { number, center, candidates } of places) {
      for (const [lat, lon, note] of candidates) {
        const className = `of-place of-place-${number}`;
        L.polyline([[lat, lon], center], { className: `link ${className}`, interactive: false }).addTo(layers.candidates);
        const words = document.createElement("span");
        words.textContent = note;
        L.circleMarker([lat, lon], { radius: 3.5, className: `dot ${className}`, bubblingMouseEvents: false })
          .bindTooltip(words).addTo(layers.candidates);
      }
    }
  }
  function placeCircleLabels() {
    // Labels of the two circles stand at their lower left and right, away from those of the rings in the north.
    const bounds = map.getBounds().pad(-0.06);
    for (const { label, points, lowest } of circles) {
      const spots = points.map((point) => map.latLngToContainerPoint(point));
      const height_px = Math.max(...spots.map(({ y }) => y)) - Math.min(...spots.map(({ y }) => y));
      const south = points.reduce((found, point, index) => (point[0] < points[found][0] ? index : found), 0);
      const at = points.at((south + (lowest ? -11 : 11)) % points.length);
      const seen = bounds.contains(at) ? at : points.filter((point) => bounds.contains(point)).sort((a, b) => a[0] - b[0])[0];
      label.getElement().style.display = height_px < 50 || !seen ? "none" : "";
      if (seen) label.setLatLng(seen);
    }
  }

  // --- heat: one picture and its panel. It is drawn on a canvas not much larger than the view: as an image of
  // the whole world it would be 16 000 pixels wide where a country fills the map, and the browser stops painting.
  const heatPane = map.createPane("heat");
  heatPane.style.zIndex = 250;
  heatPane.style.pointerEvents = "none";
  const heatCanvas = L.DomUtil.create("canvas", "heat leaflet-zoom-hide", heatPane);
  heatCanvas.hidden = true;
  const heatPicture = new Image();
  heatPicture.onload = () => drawHeat();
  const heatPanel = L.control({ position: "topright" });
  let heat = null;
  let heatOpacity = 85; // percent
  const HEAT_MARGIN = 0.5; // of the view, on every side: for dragging
  heatPanel.onAdd = () => {
    const panel = L.DomUtil.create("div", "heat-panel");
    panel.innerHTML = '<label>Heat opacity <input type="range" min="10" max="100" step="5"></label>' +
      '<p class="heat-scale" aria-hidden="true"><span>fainter</span><i></i><span>strongest</span></p>' +
      '<p class="heat-note" role="status"></p>';
    const slider = panel.querySelector("input");
    slider.value = heatOpacity;
    slider.setAttribute("aria-valuetext", `${heatOpacity} %`);
    slider.addEventListener("input", () => {
      heatOpacity = Number(slider.value);
      slider.setAttribute("aria-valuetext", `${heatOpacity} %`);
      heatPane.style.opacity = heatOpacity / 100;
    });
    ["keydown", "mouseover", "mouseout"].forEach((type) => L.DomEvent.on(panel, type, L.DomEvent.stopPropagation));
    L.DomEvent.disableClickPropagation(panel);
    L.DomEvent.disableScrollPropagation(panel);
    return panel;
  };
  function drawHeat() {
    if (!layers.heat || !map.hasLayer(layers.heat)) return;
    const words = heat ? heat.note || "Resemblance, not probability." : "Being computed.";
    document.querySelector(".heat-note").textContent = words;
    const view = map.getSize();
    const corner = map.containerPointToLayerPoint(view.multiplyBy(-HEAT_MARGIN));
    L.DomUtil.setPosition(heatCanvas, corner);
    [heatCanvas.width, heatCanvas.height] = [view.x, view.y].map((side) => Math.round(side * (1 + 2 * HEAT_MARGIN)));
    heatCanvas.dataset.drawn = String(Boolean(heat?.image && heatPicture.complete));
    if (heatCanvas.dataset.drawn === "false") return;
    const bounds = map.getBounds().pad(HEAT_MARGIN);
    const last = Math.floor((bounds.getEast() + 180) / 360);
    for (let turn = Math.floor((bounds.getWest() + 180) / 360); turn <= last; turn++) {
      const [[south, west], [north, east]] = heat.bounds.map(([lat, lon]) => [lat, lon + 360 * turn]);
      const from = map.latLngToLayerPoint([north, west]).subtract(corner);
      const size = map.latLngToLayerPoint([south, east]).subtract(corner).subtract(from);
      heatCanvas.getContext("2d").drawImage(heatPicture, from.x, from.y, size.x, size.y);
    }
  }
  function setHeat(next) {
    heat = next;
    if (heat?.image) heatPicture.src = heat.image;
    drawHeat();
  }
  function toggleHeat(shown) {
    heatCanvas.hidden = !shown;
    if (!heat?.image) heat = null; // a note has had its time
    if (shown) {
      heatPanel.addTo(map);
      heatPane.style.opacity = heatOpacity / 100;
      drawHeat();
    } else {
      heatPanel.remove();
    }
    send({ type: "heat", shown, needed: shown && !heat });
  }
  if (layers.heat) {
    layers.heat.on("add", () => toggleHeat(true));
    layers.heat.on("remove", () => toggleHeat(false));
    setHeat(settings.heat);
  }

  // --- the other photos of a batch: thousands of dots on one canvas, each shows its photo by a click
  const batchLayer = L.layerGroup().addTo(map);
  const batchPane = map.createPane("batch");
  batchPane.style.zIndex = 450;
  const batchCanvas = L.canvas({ pane: "batch", tolerance: 4 });
  function drawDots(dots) {
    batchLayer.clearLayers();
    container.dataset.dots = String((dots || []).length);
    const style = { renderer: batchCanvas, radius: 4, weight: 1.2, color: colour("--panel"), fillColor: colour("--circle"), fillOpacity: 0.75, bubblingMouseEvents: false };
    for (const [lat, lon, index, name] of dots || []) {
      const words = document.createElement("span");
      words.textContent = name;
      L.circleMarker([lat, lon], style).bindTooltip(words).on("click", () => send({ type: "pick", index })).addTo(batchLayer);
    }
  }

  // --- the areas that answers are restricted to
  const areaLayer = L.layerGroup().addTo(map);
  function drawAreas(outlines) {
    areaLayer.clearLayers();
    const line = { className: "area", interactive: false, smoothFactor: 0.4 };
    (outlines || []).forEach((outline) => L.polyline(outline, line).addTo(areaLayer));
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
    layers.rings.clearLayers();
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
    L.polyline(ring.points, style).addTo(layers.rings);
    const label = addLabel(layers.rings, ring.points[0], ring.label, "ring-label", "labels");
    label.ring = ring;
  }
  function placeRingLabels() {
    // On the northernmost part in view; a ring too small to tell from its star needs no label.
    const bounds = map.getBounds().pad(-0.06);
    layers.rings.eachLayer((layer) => {
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

  // --- pins, and the candidates of their places: linked with the table of the window
  const rankOf = (element) => Number((/\b(?:pin|of-place)-(\d+)/.exec(element.getAttribute("class")) || [])[1]);
  function pins() {
    const found = [];
    map.eachLayer((layer) => /\bpin\b/.test(layer.options.icon?.options.className || "") && found.push(layer));
    return found;
  }
  function mark(className, rank) {
    document.querySelectorAll(".pin, .of-place").forEach((part) => part.classList.toggle(className, rankOf(part) === rank));
  }
  function selectPin(rank) {
    mark("is-selected", rank);
    const pin = pins().find((layer) => layer.getElement() && rankOf(layer.getElement()) === rank);
    if (pin && !map.getBounds().contains(pin.getLatLng())) map.panTo(pin.getLatLng());
  }
  const container = map.getContainer();
  const pinAt = (event) => event.target.closest && event.target.closest(".pin, .dot");
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
  map.on("click", ({ latlng, originalEvent }) => {
    clearTimeout(waiting);
    const lon = L.Util.wrapNum(latlng.lng, [-180, 180], true);
    if (originalEvent?.shiftKey) return send({ type: "circle", lat: latlng.lat, lon, radius_km: circleRadius(latlng) });
    waiting = setTimeout(() => send({ type: "click", lat: latlng.lat, lon }), 230);
  });

  // --- with Shift: a click restricts where answers may lie to a circle, a dragged box to itself
  function circleRadius(center) {
    // About a fifth of what is in view, as 1, 2 or 5 with zeros.
    const { x, y } = map.getSize();
    const edge = map.latLngToContainerPoint(center).add([0, Math.min(x, y) / 5]);
    const radius_km = map.distance(center, map.containerPointToLatLng(edge)) / 1000;
    const step = 10 ** Math.floor(Math.log10(radius_km));
    return Math.max(1, step * [5, 2, 1].find((factor) => factor * step <= radius_km));
  }
  map.on("boxzoomend", ({ boxZoomBounds: box }) => send({
    type: "box", south: Math.max(-90, box.getSouth()), west: box.getWest(), north: Math.min(90, box.getNorth()), east: box.getEast(),
  }));

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.data?.target !== "geotool-map") return;
    const message = event.data;
    if ("theme" in message) { toldTheme = message.theme; setTheme(); }
    if ("overlay" in message) drawOverlay(message.overlay);
    if ("areas" in message) drawAreas(message.areas);
    if ("dots" in message) drawDots(message.dots);
    if ("heat" in message) setHeat(message.heat);
    if ("showHeat" in message && layers.heat) map[message.showHeat ? "addLayer" : "removeLayer"](layers.heat);
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
  map.on("moveend", () => { drawCountries(); drawCities(); drawHeat(); placeErrorLabel(); placeRingLabels(); placeCircleLabels(); });
  map.on("overlayadd", placeRingLabels);
  read("countries.geojson").then((data) => {
    outlines = data;
    drawCountries();
    container.dataset.basemap = "ready";
    send({ type: "basemap" });
  });
  read("cities.json").then((data) => { cities = data; drawCities(); });
  drawAnswer(settings.answer);
  placeCircleLabels();
  drawOverlay(settings.overlay);
  send({ type: "ready" });
}
