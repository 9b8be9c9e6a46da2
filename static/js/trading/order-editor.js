// The form that takes the place of an open order's row while its user changes the order.

import { changesOf, fieldsOf } from "./amendments.js";
import { Refused, refuse } from "./exchange-api.js";
import { problemsOf, stepped } from "./lattice.js";
import { decimals } from "./prices.js";

const GENERAL = "general"; // problems that concern no single field

/** Enter saves, Escape closes, the arrow keys step a number. */
export class OrderEditor {
  #isSaving = false;

  /**
   * @param {object} order as it was when the form was opened
   * @param {object} options
   * @param {HTMLTemplateElement} options.template of the form
   * @param {ReturnType<import("./prices.js").formatOf> | undefined} options.format of the instrument
   * @param {(changes: object) => Promise<void>} options.save throws Refused
   * @param {() => void} options.close
   */
  constructor(order, { template, format, save, close }) {
    Object.assign(this, { order, format, save, close });
    this.form = template.content.cloneNode(true).querySelector("form");
    this.form.setAttribute("aria-label", `Change: ${order.side} ${order.quantity} ${order.symbol}`);
    this.form.querySelector(".subject").textContent = `${order.symbol} ${order.side}`;
    this.#fill();
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.form.addEventListener("keydown", (event) => this.#press(event));
    this.form.querySelector("[data-close]").addEventListener("click", close);
  }

  #fill() {
    this.fields = fieldsOf(this.order);
    for (const part of this.form.querySelectorAll("[data-field]")) {
      const field = this.fields.find(({ name }) => name === part.dataset.field);
      if (field) this.#fillField(part, field);
      else part.remove();
    }
  }

  #fillField(part, { name, value }) {
    const [input, problem] = [part.querySelector("input"), part.querySelector(".problem")];
    const text = name === "quantity" ? this.format?.quantity : this.format?.price;
    input.value = text?.(value) ?? String(value);
    problem.id = `change-${this.order.id}-${name}`;
    input.setAttribute("aria-describedby", problem.id);
  }

  get #texts() {
    return Object.fromEntries(this.fields.map(({ name }) => [name, this.form.elements[name].value.trim()]));
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#isSaving) return;
    this.#isSaving = true;
    this.#show({});
    try {
      await this.#save();
      this.close();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#show(error.fields.length ? error.problems : { [GENERAL]: error.message });
    } finally {
      this.#isSaving = false;
    }
  }

  async #save() {
    const texts = this.#texts;
    if (this.format) refuse(problemsOf(texts, this.format.sizes));
    const changes = changesOf(this.order, texts);
    if (Object.keys(changes).length) await this.save(changes);
  }

  /** Show each problem beside its field, and focus the first of them. */
  #show(problems) {
    for (const part of this.form.querySelectorAll("[data-field]")) {
      const [input, text] = [part.querySelector("input"), problems[part.dataset.field] ?? ""];
      part.querySelector(".problem").textContent = text;
      input.toggleAttribute("aria-invalid", false);
      if (text) input.setAttribute("aria-invalid", "true");
    }
    this.form.querySelector(".general").textContent = problems[GENERAL] ?? "";
    this.form.querySelector("[aria-invalid]")?.focus();
  }

  #press(event) {
    const { key, target } = event;
    const direction = { ArrowUp: 1, ArrowDown: -1 }[key];
    if (key === "Escape") this.close();
    if (!direction || !this.format || target.value?.trim() === "" || !target.matches("input")) return;
    event.preventDefault();
    const { lotSize, tickSize } = this.format.sizes;
    const step = target.name === "quantity" ? lotSize : tickSize;
    target.value = stepped(target.value, direction, { step, decimals: decimals(step) });
  }
}
