// The row of examples: each button carries the number of its picture, never a path.
function examples(element, trigger) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-index]");
    if (button) trigger("example", { index: Number(button.dataset.index) });
  });
}
