// Short texts on a canvas, many per frame.

/** Prepare a canvas for numbers: digits need neither kerning nor ligatures, whose search takes most of the time. */
export function setFont(context, px, family) {
  context.font = `${px}px ${family}`;
  context.fontKerning = "none";
  context.textRendering = "optimizeSpeed";
  context.textBaseline = "middle";
}
