// The list of conversations: opened, searched, renamed, marked, exported and deleted.

import { $, button, make, say } from "/page/dom.js";
import { ask, send } from "/page/api.js";

let commands = null; // open(name), current(), renamed(name, title), deleted(name)

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

// The list is made anew after each change: the control that was used, or else the search, has the focus again.
async function show(thread, what) {
  await refresh();
  const item = [...$("threads").children].find((one) => one.dataset.thread === thread);
  (item?.querySelector(`[data-what=${what}]`) ?? $("conversations-search")).focus();
}

function row(one) {
  const act = (what, work) => async () => {
    try {
      await work();
      await show(one.thread, what);
    } catch (error) {
      $("conversations-told").textContent = error.message;
    }
  };
  const open = button(one.title || one.thread, () => { $("conversations").close(); commands.open(one.thread); }, { class: "link", "aria-current": one.thread === commands.current() ? "true" : "false" });
  const rename = button("Rename", () => {
    const field = make("input", { value: one.title, maxLength: 120, "aria-label": `New title of ${one.title}` });
    const leave = () => show(one.thread, "rename");
    const form = make("form", { class: "row", on: {
      submit: (event) => {
        event.preventDefault();
        act("rename", async () => commands.renamed(one.thread, (await send("PATCH", path(one.thread), { title: field.value })).title))();
      },
      keydown: (event) => {
        if (event.key !== "Escape") return;
        event.preventDefault(); // it leaves the title as it is, and the list open
        leave();
      },
    } }, field, make("button", { class: "main", text: "Save" }), button("Cancel", leave));
    item.replaceChildren(form);
    field.value = one.title;
    field.focus();
    field.select();
  }, { "aria-label": `Rename ${one.title}`, "data-what": "rename" });
  const remove = button("Delete", () => {
    if (remove.dataset.sure) return act("delete", async () => { await send("DELETE", path(one.thread), {}); commands.deleted(one.thread); })();
    remove.dataset.sure = "yes";
    remove.textContent = "Really delete?";
    say("press again to delete");
  }, { "aria-label": `Delete ${one.title}` });
  const star = button(one.favourite ? "★" : "☆", act("favourite", () => send("PATCH", path(one.thread), { favourite: !one.favourite })),
    { "data-what": "favourite", "aria-pressed": String(one.favourite), "aria-label": `Favourite: ${one.title}` });
  const share = make("a", { class: "button", href: `${path(one.thread)}/export`, download: `${one.thread}.zip`, text: "Export", "aria-label": `Export ${one.title}` });
  const item = make("li", { class: "row", "data-thread": one.thread }, star, open, rename, share, remove);
  return item;
}

let pause = null;
$("conversations-search").addEventListener("input", () => { clearTimeout(pause); pause = setTimeout(refresh, 150); });
$("conversations-open").addEventListener("click", openConversations);
