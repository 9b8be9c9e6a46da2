// The order ticket: a form whose two submit buttons buy and sell.

import { stepped } from "./lattice.js";

const TYPES = { limit: "limit", market: "market", stop: "market", target: "market" };
/** A stop order buys at a rising price and sells at a falling one; a take-profit order the opposite. */
const TARGET_DIRECTION = { buy: "falling", sell: "rising" };

/**
 * Events: "order" {order}: the body of a request to place one; "edit": a field changed;
 * "leave": the user pressed Escape.
 */
export class Ticket extends EventTarget {
  /**
   * @param {HTMLFormElement} form inputs with data-step can be stepped by arrow keys
   * @param {HTMLElement} message a live region below it
   */
  constructor(form, message) {
    super();
    Object.assign(this, { form, message });
    this.buttons = [...form.querySelectorAll(".sides [type=submit]")];
    form.addEventListener("change", () => this.#arrange());
    form.addEventListener("input", () => this.#edited());
    form.addEventListener("keydown", (event) => this.#press(event));
    form.addEventListener("click", (event) => event.detail > 1 && event.target.type === "submit" && this.#ignore(event));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const order = this.order(event.submitter.value);
      this.dispatchEvent(new CustomEvent("order", { detail: { order } }));
    });
    this.#arrange();
    for (const button of this.buttons) button.disabled = false;
  }

  get type() {
    return this.form.elements.type.value;
  }

  get quantity() {
    return this.form.elements.quantity.value.trim();
  }

  /** The order that the fields describe. */
  order(side) {
    const texts = [...new FormData(this.form)].map(([name, value]) => [name, value.trim()]);
    const { type, ...fields } = Object.fromEntries(texts);
    const order = { side, type: TYPES[type], ...fields, reduce_only: this.form.elements.reduce_only.checked };
    if (type === "target") order.trigger_direction = TARGET_DIRECTION[side];
    return order;
  }

  /** A limit order at a price with the quantity of the ticket. */
  limitOrder(side, price) {
    const { reduce_only: reduces } = this.form.elements;
    return { side, type: "limit", quantity: this.quantity, price, reduce_only: reduces.checked };
  }

  /** Take over a price; by key, move the focus to the button of the side. */
  fill(price, side, byKey) {
    if (this.type === "market") this.form.elements.type.value = "limit";
    this.#arrange();
    this.form.querySelector("[data-for]:not([hidden]) [data-price]").value = price;
    this.show("");
    this.dispatchEvent(new Event("edit"));
    for (const button of this.buttons) button.toggleAttribute("data-picked", button.value === side);
    if (byKey) this.#button(side).focus();
    else this.form.scrollIntoView({ block: "nearest" });
  }

  #button(side) {
    return this.buttons.find(({ value }) => value === side);
  }

  /** Show the fields of the chosen type; the others are not sent. */
  #arrange() {
    for (const field of this.form.querySelectorAll("[data-for]")) {
      const isWanted = field.dataset.for.split(" ").includes(this.type);
      field.hidden = !isWanted;
      for (const input of field.querySelectorAll("input, select")) input.disabled = !isWanted;
    }
    this.dispatchEvent(new Event("edit"));
  }

  /** Show what became of an order, or why it was refused; "" removes it. */
  show(text, { isProblem = false, fields = [] } = {}) {
    if (this.message.textContent !== text) this.message.textContent = text; // else it would be read out again
    this.message.toggleAttribute("data-problem", isProblem);
    this.#forgive();
    for (const name of fields) this.form.elements[name]?.setAttribute?.("aria-invalid", "true");
  }

  #edited() {
    this.#forgive();
    this.dispatchEvent(new Event("edit"));
  }

  #forgive() {
    for (const field of this.form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  set isBusy(busy) {
    for (const button of this.buttons) button.setAttribute("aria-disabled", busy);
  }

  #press(event) {
    const { key, repeat, target } = event;
    const isField = target.matches("input, select");
    if (key === "Escape") this.dispatchEvent(new Event("leave"));
    else if (key === "Enter" && (repeat || isField)) this.#ignore(event); // a button has to be meant
    else if (key === "ArrowUp") this.#step(event, 1);
    else if (key === "ArrowDown") this.#step(event, -1);
  }

  #ignore(event) {
    event.preventDefault();
  }

  #step(event, direction) {
    const { value, dataset: { step, decimals } } = event.target;
    if (!step || value.trim() === "") return;
    event.preventDefault();
    event.target.value = stepped(value, direction, { step, decimals });
    this.#edited();
  }
}
