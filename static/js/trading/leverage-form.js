// The leverage of the account in the instrument of the page: shown, and changed.

import { Refused } from "./exchange-api.js";
import { stepped } from "./lattice.js";

/** Enter or the button sets it, Escape shows the present one again. */
export class LeverageForm {
  #isSetting = false;

  /**
   * @param {HTMLFormElement} form whose fields lie in the ticket
   * @param {object} options
   * @param {HTMLElement} options.problem what is wrong with the leverage
   * @param {() => number} options.present the leverage of the account
   * @param {(leverage: number) => Promise<void>} options.set throws Refused
   */
  constructor(form, { problem, present, set }) {
    Object.assign(this, { form, problem, present, set });
    this.input = form.elements.leverage;
    this.button = form.elements.set;
    form.addEventListener("submit", (event) => this.#submit(event));
    this.input.addEventListener("input", () => this.#edited());
    this.input.addEventListener("keydown", (event) => this.#press(event));
  }

  get #isEdited() {
    return !this.button.disabled;
  }

  /** Show the present leverage, unless the user is changing it. */
  draw() {
    if (!this.#isEdited) this.#reset();
  }

  #reset() {
    this.input.value = String(this.present());
    this.#edited();
  }

  #edited() {
    this.button.disabled = this.input.value.trim() === String(this.present());
    this.#show("");
  }

  #show(text) {
    this.problem.textContent = text;
    if (text) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#isSetting || !this.#isEdited) return;
    this.#isSetting = true;
    try {
      await this.#set();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#show(error.problems.leverage ?? error.message);
    } finally {
      this.#isSetting = false;
    }
  }

  async #set() {
    const { min, max } = this.input.dataset;
    const [text, wanted] = [this.input.value.trim(), Number(this.input.value)];
    const isAllowed = Number.isInteger(wanted) && wanted >= Number(min) && wanted <= Number(max);
    if (!isAllowed) throw new Refused(`${text || "Nothing"} is wrong: use a whole number from ${min} to ${max}.`);
    await this.set(wanted);
    this.#reset();
  }

  #press(event) {
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") event.stopPropagation(); // the ticket ignores Enter in its fields
    if (event.key === "Escape" && this.#isEdited) {
      event.stopPropagation(); // a second one leaves the ticket
      this.#reset();
    }
    if (!direction || this.input.value.trim() === "") return;
    event.preventDefault();
    const { max } = this.input.dataset;
    this.input.value = String(Math.min(Number(max), stepped(this.input.value, direction, { step: 1, decimals: 0 })));
    this.#edited();
  }
}
