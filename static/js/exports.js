// Export of the chart as a file.

import { colour } from "./theme.js";

const HEADER_PX = 34;
const PADDING_PX = 12;

function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

/** Save `picture`, a canvas, with `title` above it. */
export async function savePicture(picture, title, name) {
  const ratio = devicePixelRatio;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height + HEADER_PX * ratio];
  const context = canvas.getContext("2d");
  context.fillStyle = colour("--surface");
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = colour("--text");
  context.textBaseline = "middle";
  context.font = `600 ${15 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
  context.fillText(title, PADDING_PX * ratio, (HEADER_PX / 2) * ratio);
  context.drawImage(picture, 0, HEADER_PX * ratio);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const address = URL.createObjectURL(blob);
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Save the response of the server at `address`. */
export function saveAnswer(address, name) {
  save(address, name);
}
