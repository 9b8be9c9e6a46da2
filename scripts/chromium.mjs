// Print where the Chromium of the npm package is, unpacked, as JSON for the browser tests.
import chromium from "@sparticuz/chromium";

const executable = await chromium.executablePath();
console.log(JSON.stringify({ executable, libraries: process.env.LD_LIBRARY_PATH ?? "" }));
