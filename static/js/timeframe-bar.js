// The bar of timeframes: links that switch the chart without loading the page again.

/** Emits "choose" {timeframe, href} for a plain click on one of its links. */
export class TimeframeBar extends EventTarget {
  constructor(element) {
    super();
    this.element = element;
    element.addEventListener("click", (event) => this.#click(event));
  }

  /** Show which timeframe is open. */
  mark(timeframe) {
    for (const link of this.element.querySelectorAll("a")) {
      if (link.dataset.timeframe === timeframe) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  #click(event) {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { href, dataset: { timeframe } } = link;
    this.dispatchEvent(new CustomEvent("choose", { detail: { timeframe, href } }));
  }
}
