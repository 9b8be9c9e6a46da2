// Keys of the price ladder.

/**
 * @param {import("./depth-ladder.js").DepthLadder} ladder
 * @param {() => void} help
 */
export function bindLadderKeys(ladder, help) {
  const keys = {
    ArrowUp: () => ladder.move(1),
    ArrowDown: () => ladder.move(-1),
    PageUp: () => ladder.page(1),
    PageDown: () => ladder.page(-1),
    Home: () => ladder.recentre(),
    Escape: () => ladder.recentre(),
    b: () => ladder.pick("buy"),
    s: () => ladder.pick("sell"),
    Delete: () => ladder.withdraw(),
    Backspace: () => ladder.withdraw(),
    h: help,
    "?": help,
  };
  ladder.frame.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys[event.key] ?? keys[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    if (!event.repeat || event.key.startsWith("Arrow") || event.key.startsWith("Page")) act();
  });
}
