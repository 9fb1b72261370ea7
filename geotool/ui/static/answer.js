// The answer, and the buttons of the comparison with an edited copy.
const ANSWER_ACTS = ["show_original", "show_edited", "remove_edited"];
function answer(element, trigger) {
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button && ANSWER_ACTS.includes(button.dataset.act)) trigger(button.dataset.act);
  });
}
