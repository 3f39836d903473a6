// Single keys, while no field is being written in; they can be switched off in the help sheet.

import { $, kept } from "/page/dom.js";

export function shortcuts(commands) {
  $("single-keys").checked = kept.get("single-keys", true);
  $("single-keys").addEventListener("change", () => kept.set("single-keys", $("single-keys").checked));
  document.addEventListener("keydown", (event) => {
    const command = commands[event.key];
    const writes = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (!command || writes || !$("single-keys").checked || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    command();
  });
  $("help-open").addEventListener("click", () => $("help").showModal());
}
