// Scrolling in whole rows, by wheel and by touch.

const LINE_PX = 16; // of wheels that count lines
const PAGE_PX = 400; // of wheels that count pages
const MODES = [1, LINE_PX, PAGE_PX]; // by WheelEvent.deltaMode

/** Collects pixels until they make whole rows. Pure. */
export class Rows {
  #rest = 0; // pixels

  /** Whole rows that `px` completes; the rest is kept for the next time. */
  take(px, heightPx) {
    if (Math.sign(px) !== Math.sign(this.#rest)) this.#rest = 0;
    this.#rest += px;
    const rows = Math.trunc(this.#rest / heightPx);
    this.#rest -= rows * heightPx;
    return rows;
  }

  clear() {
    this.#rest = 0;
  }
}

/**
 * Scroll by wheel and touch. At an end of what can be scrolled, the page scrolls instead.
 * @param {HTMLElement} frame
 * @param {object} options
 * @param {() => number} options.heightPx of a row
 * @param {(direction: number) => boolean} options.canScroll down (1) or up (-1)
 * @param {(rows: number) => void} options.scroll down, if positive
 */
export function bindRowScroll(frame, { heightPx, canScroll, scroll }) {
  const rows = new Rows();
  const move = (px) => {
    const count = rows.take(px, heightPx());
    if (count) scroll(count);
  };
  frame.addEventListener("wheel", (event) => {
    const px = event.deltaY * MODES[event.deltaMode];
    if (event.ctrlKey || event.shiftKey || px === 0 || !canScroll(Math.sign(px))) return;
    event.preventDefault();
    move(px);
  }, { passive: false });
  bindTouch(frame, { begin: () => rows.clear(), canScroll, move });
}

/** A finger that moves mostly up or down scrolls; a tap, two fingers or a swipe sideways do not. */
function bindTouch(frame, { begin, canScroll, move }) {
  let last = null; // the touch that may scroll
  let isScrolling = false;
  frame.addEventListener("touchstart", ({ touches }) => {
    last = touches.length === 1 ? touches[0] : null;
    isScrolling = false;
    begin();
  }, { passive: true });
  frame.addEventListener("touchmove", (event) => {
    if (last === null) return;
    const [touch] = event.touches;
    const [x, y] = [last.clientX - touch.clientX, last.clientY - touch.clientY];
    if (y === 0 && x === 0) return;
    if (!isScrolling && (Math.abs(x) > Math.abs(y) || !canScroll(Math.sign(y)))) {
      last = null; // the page scrolls until the finger is lifted
      return;
    }
    isScrolling = true;
    last = touch;
    event.preventDefault();
    move(y);
  }, { passive: false });
  frame.addEventListener("touchcancel", () => (last = null));
}
