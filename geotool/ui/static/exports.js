// Buttons that save the results: the server writes the file into the private folder, the browser fetches it.
function exportBar(element, props, trigger, watch) {
  let saved = null;
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-format]");
    if (button) trigger("save", { format: button.dataset.format });
  });
  watch("value", () => {
    const value = props.value || {};
    element.querySelector(".gt-saved").textContent = value.words || "";
    if (!value.url || value.url === saved) return;
    saved = value.url;
    const link = Object.assign(document.createElement("a"), { href: value.url, download: value.name });
    document.body.append(link);
    link.click();
    link.remove();
  });
}
