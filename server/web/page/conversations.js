// The list of conversations: opened, searched, renamed, marked, exported and deleted.

import { $, button, make, say } from "/page/dom.js";
import { ask, send } from "/page/api.js";

let commands = null; // open(name), current(), deleted(name)

export function listConversations(given) { commands = given; }

const path = (name) => `/web/threads/${encodeURIComponent(name)}`;

export async function openConversations() {
  $("conversations").showModal();
  $("conversations-search").value = "";
  await refresh();
}

async function refresh() {
  const words = $("conversations-search").value.trim();
  try {
    const { threads } = await ask(`/web/threads?q=${encodeURIComponent(words)}`);
    if (words !== $("conversations-search").value.trim()) return; // an answer to what is no longer asked
    $("threads").replaceChildren(...threads.map(row));
    $("conversations-told").textContent = threads.length ? "" : words ? `None has ${JSON.stringify(words)} in it.` : "None yet: draw something first.";
  } catch (error) {
    $("conversations-told").textContent = error.message;
  }
}

function row(one) {
  const act = (work) => async () => {
    try {
      await work();
      await refresh();
    } catch (error) {
      $("conversations-told").textContent = error.message;
    }
  };
  const open = button(one.title || one.thread, () => { $("conversations").close(); commands.open(one.thread); }, { class: "link", "aria-current": one.thread === commands.current() ? "true" : "false" });
  const rename = button("Rename", () => {
    const field = make("input", { value: one.title, maxLength: 120, "aria-label": `New title of ${one.title}` });
    const form = make("form", { class: "row", on: { submit: (event) => {
      event.preventDefault();
      act(() => send("PATCH", path(one.thread), { title: field.value }))();
    } } }, field, make("button", { class: "main", text: "Save" }));
    item.replaceChildren(form);
    field.value = one.title;
    field.focus();
    field.select();
  }, { "aria-label": `Rename ${one.title}` });
  const remove = button("Delete", () => {
    if (remove.dataset.sure) return act(async () => { await send("DELETE", path(one.thread), {}); commands.deleted(one.thread); })();
    remove.dataset.sure = "yes";
    remove.textContent = "Really delete?";
    say("press again to delete");
  }, { "aria-label": `Delete ${one.title}` });
  const star = button(one.favourite ? "★" : "☆", act(() => send("PATCH", path(one.thread), { favourite: !one.favourite })),
    { "aria-pressed": String(one.favourite), "aria-label": `Favourite: ${one.title}` });
  const share = make("a", { class: "button", href: `${path(one.thread)}/export`, download: `${one.thread}.zip`, text: "Export", "aria-label": `Export ${one.title}` });
  const item = make("li", { class: "row" }, star, open, rename, share, remove);
  return item;
}

let pause = null;
$("conversations-search").addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(refresh, 150); });
$("conversations-open").addEventListener("click", openConversations);
