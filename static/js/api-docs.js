// Applies the theme of the pages to Swagger UI.

import { currentTheme, onThemeChange } from "./theme.js";

function follow() {
  document.documentElement.classList.toggle("dark-mode", currentTheme() === "dark");
}

follow();
onThemeChange(follow);
