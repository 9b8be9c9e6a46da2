// The order ticket: a form whose two submit buttons buy and sell.

/** Events: "order": the body of a request to place one. */
export class Ticket extends EventTarget {
  constructor(form) {
    super();
    this.form = form;
    this.problem = form.querySelector("#ticket-problem");
    this.buttons = form.querySelectorAll(".sides button");
    form.addEventListener("change", () => this.#arrange());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#emit(event.submitter?.value ?? "buy");
    });
    this.#arrange();
  }

  get type() {
    return this.form.elements.type.value;
  }

  get quantity() {
    return this.form.elements.quantity.value;
  }

  /** Show the fields of the chosen type; the others are not submitted. */
  #arrange() {
    this.form.querySelectorAll("[data-for]").forEach((field) => {
      const isWanted = field.dataset.for === this.type;
      field.hidden = !isWanted;
      field.querySelector("input, select").disabled = !isWanted;
    });
  }

  setPrice(text) {
    const { price, trigger_price: trigger } = this.form.elements;
    (this.type === "stop" ? trigger : price).value = text;
  }

  /** Show an error; "" removes it. */
  show(problem) {
    this.problem.hidden = problem === "";
    this.problem.textContent = problem;
  }

  set isBusy(busy) {
    this.buttons.forEach((button) => (button.disabled = busy));
  }

  #emit(side) {
    const { type, ...fields } = Object.fromEntries(new FormData(this.form));
    const order = {
      ...fields, side, type: type === "stop" ? "market" : type,
      reduce_only: this.form.elements.reduce_only.checked,
    };
    this.dispatchEvent(new CustomEvent("order", { detail: order }));
  }
}
