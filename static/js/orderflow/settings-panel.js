// The controls of the settings: selects, check boxes and numbers with data-setting.

import { readSetting } from "./settings.js";

/** Events: "change" {name}: the user has changed a setting. */
export class SettingsPanel extends EventTarget {
  /**
   * @param {HTMLElement} element contains the controls
   * @param {Record<string, any>} settings changed in place
   */
  constructor(element, settings) {
    super();
    Object.assign(this, { settings });
    this.controls = [...element.querySelectorAll("[data-setting]")];
    element.addEventListener("change", ({ target }) => {
      if (target.dataset.setting) this.#changed(target);
    });
    this.show();
  }

  /** Show the settings as they are. */
  show() {
    for (const control of this.controls) {
      const value = this.settings[control.dataset.setting];
      if (control.type === "checkbox") control.checked = control.value === "on" ? value : value.includes(control.value);
      else this.#select(control, String(value));
    }
  }

  #select(control, text) {
    if (control.tagName === "SELECT" && ![...control.options].some((option) => option.value === text)) {
      control.append(new Option(text, text)); // of a link with an unusual value
    }
    control.value = text;
  }

  /** Set a setting as if the user had. */
  set(name, value) {
    this.settings[name] = value;
    this.show();
    this.dispatchEvent(new CustomEvent("change", { detail: { name } }));
  }

  #changed(control) {
    const { setting: name } = control.dataset;
    if (control.type !== "checkbox") return this.set(name, readSetting(name, control.value));
    if (control.value === "on") return this.set(name, control.checked);
    const others = this.settings[name].filter((value) => value !== control.value);
    const chosen = control.checked ? [...others, control.value] : others;
    this.set(name, readSetting(name, chosen.join("."))); // in their usual order
  }
}
