// The chips of a restriction: a click takes the part away.
function chips(element, trigger) {
  element.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-part]");
    if (chip) trigger("drop_part", { part: Number(chip.dataset.part) });
  });
}
