// What is wrong with the text of a page, as a person would see it: a list of complaints.
// Text that lies over other text, that is cut off, or that sticks out of the screen; fields that
// stick out of their panel.

() => {
  const MOST_OVERLAP_PX = 3; // each way: line boxes of neighbours touch
  const complaints = [];

  const isShown = (element) =>
    element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true })
    && !element.closest(".visually-hidden, .skip, option, [aria-hidden=true]");

  /** The part of a box that its ancestors let through, and whether a scroll bar leads to the rest. */
  const through = (element, box) => {
    let { left, top, right, bottom } = box;
    let scrolls = false;
    for (let parent = element; parent; parent = parent.parentElement) {
      const { overflowX, overflowY, textOverflow, position } = getComputedStyle(parent);
      if (overflowX === "visible" && overflowY === "visible") continue;
      if (parent === document.documentElement || parent === document.body) break;
      const frame = parent.getBoundingClientRect();
      scrolls ||= [overflowX, overflowY].some((how) => how === "auto" || how === "scroll");
      scrolls ||= textOverflow === "ellipsis"; // cut on purpose, and shown to be
      [left, top] = [Math.max(left, frame.left), Math.max(top, frame.top)];
      [right, bottom] = [Math.min(right, frame.right), Math.min(bottom, frame.bottom)];
      if (position === "fixed") break;
    }
    return { left, top, right, bottom, scrolls };
  };

  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const element = node.parentElement;
    if (!node.data.trim() || !isShown(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 2 || box.height < 2) continue;
      const seen = through(element, box);
      const name = `"${node.data.trim().slice(0, 30)}"`;
      const isCut = seen.right - seen.left < box.width - 2 || seen.bottom - seen.top < box.height - 4;
      if (isCut && !seen.scrolls) complaints.push(`${name} is cut off`);
      if (seen.right <= seen.left || seen.bottom <= seen.top) continue;
      if (seen.right > innerWidth + 1 || seen.left < -1) complaints.push(`${name} sticks out`);
      texts.push({ ...seen, element, name });
    }
  }
  texts.forEach((a, i) => texts.slice(i + 1).forEach((b) => {
    if (a.element === b.element) return;
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (width > MOST_OVERLAP_PX && height > MOST_OVERLAP_PX) {
      complaints.push(`${a.name} and ${b.name} lie over each other`);
    }
  }));
  for (const field of document.querySelectorAll(".panel :is(input, select, textarea, button)")) {
    const box = field.getBoundingClientRect();
    const panel = field.closest(".panel");
    if (!isShown(field) || through(field, box).scrolls) continue;
    const right = panel.getBoundingClientRect().right - parseFloat(getComputedStyle(panel).paddingRight);
    if (box.right > right + 1) {
      complaints.push(`the field ${field.name || field.id} sticks out of its panel`);
    }
  }
  return complaints;
}
