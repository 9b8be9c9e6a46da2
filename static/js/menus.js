// Menus built from <details>: close them on a choice and on Escape.

function close(menu, { refocus = false } = {}) {
  if (!menu.open) return;
  menu.open = false;
  if (refocus) menu.querySelector("summary").focus();
}

export function bindMenus() {
  for (const menu of document.querySelectorAll("details.menu")) {
    menu.addEventListener("keydown", ({ key }) => key === "Escape" && close(menu, { refocus: true }));
    menu.addEventListener("click", ({ target }) => {
      if (target.closest("button")) close(menu, { refocus: true });
    });
    document.addEventListener("pointerdown", ({ target }) => menu.contains(target) || close(menu));
    menu.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget && !menu.contains(relatedTarget)) close(menu);
    });
  }
}
