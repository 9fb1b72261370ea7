// Hands the map what the computation of a heat says. It is a part of its own, for of two values that reach one part
// at about the same time only the later is seen: a word of progress would swallow the map of another photo.
function mapHeat(props, watch) {
  watch("value", () => window.dispatchEvent(new CustomEvent("geotool-heat", { detail: props.value })));
}
