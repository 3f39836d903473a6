// Where the request is written: drafts, earlier requests, and pictures that are added.

import { $, button, kept, keptInTab, make, quoted, say } from "/page/dom.js";
import { ask } from "/page/api.js";
import { showGallery } from "/page/gallery.js";
import { invalid, openSettings, settingsNamed, settingsOf } from "/page/settings.js";

const MOST_RECALLED = 50;
let attached = []; // {id, url, name}
let most = Infinity; // pictures of one request that the server takes
let longest = Infinity; // characters of one request that the server takes
let mask = null; // {id, image, url, name}: where of which image is redrawn
let thread = "";
let opened = 0; // counts the conversations that were opened
let recalled = -1;
let editing = null; // {turn, masked}: in place of which request, and the name of the image of which it redrew a part

// ---- the text, kept over reloads by the tab: two tabs on one conversation are two requests

const left = (name) => [kept.get(name, [])].flat(); // by tabs that were closed

// The tab's own, or else what the last one that was closed has left.
function written(name) {
  const own = keptInTab.get(name, null);
  const others = left(name);
  if (own || !others.length) return own;
  const taken = others.pop();
  keptInTab.set(name, taken);
  kept.set(name, others.length ? others : null);
  return taken;
}

window.addEventListener("pagehide", () => {
  for (const name of keptInTab.names()) kept.set(name, [...left(name), keptInTab.get(name, null)]);
});

// It was a reload, or the way back to the page: what the tab has left is still its own.
function takeBack() {
  for (const name of keptInTab.names()) {
    const others = left(name);
    const at = others.findLastIndex((one) => JSON.stringify(one) === JSON.stringify(keptInTab.get(name, null)));
    if (at >= 0) others.splice(at, 1);
    kept.set(name, others.length ? others : null);
  }
}
takeBack();
window.addEventListener("pageshow", (event) => { if (event.persisted) takeBack(); });

export function forgetDrafts(name) {
  for (const what of ["draft", "edit"]) for (const store of [kept, keptInTab]) store.set(`${what}.${name}`, null);
}

export function openDraft(name) {
  if (name !== thread) {
    opened += 1;
    sendsAfter = false;
  }
  thread = name;
  settingsOf(name);
  const draft = written(`draft.${thread}`);
  const earlier = written(`edit.${thread}`);
  show(earlier ?? draft ?? { text: "", attached: [] });
  if (earlier) showEditing(earlier); else stopEditing();
}

function show(draft) {
  $("prompt").value = draft.text;
  attached = [];
  $("attached").replaceChildren();
  draft.attached.forEach(add);
  setMask(draft.mask ?? null);
  recalled = -1;
  grow();
}

// A new conversation has got its name: what is being written belongs to it.
export function named(name) {
  if (name === thread) return;
  keptInTab.set(`draft.${thread}`, null);
  thread = name;
  settingsNamed(name);
  keepDraft();
}

function keepDraft() {
  const draft = { text: $("prompt").value, attached, mask };
  if (editing) keptInTab.set(`edit.${thread}`, { ...draft, ...editing });
  else keptInTab.set(`draft.${thread}`, draft.text || attached.length || mask ? draft : null);
}

// To what is written, which an open gallery covers where the page is narrow.
export function write() {
  showGallery(false);
  $("prompt").focus();
}

function grow() {
  $("prompt").style.height = "auto";
  $("prompt").style.height = `${$("prompt").scrollHeight + 2}px`;
}

export function fail(text) {
  $("composer-error").textContent = text;
  $("composer-error").hidden = !text;
}

// What was not sent, or is suggested, is written again; nothing that was written meanwhile is lost.
export function putBack({ shown, pictures = [], mask: marked = null, before = null, masked = "" }) {
  if (before != null && !$("prompt").value) return edit({ turn: before, text: shown, attached: pictures, masked, mask: marked });
  $("prompt").value ||= shown;
  if (marked && !mask) showMask(marked);
  if (!attached.length) pictures.forEach(attach);
  keepDraft();
  grow();
}

// What was put back is sent by its Retry: left in the composer it would be sent twice.
export function takeOut({ shown, pictures = [], mask: marked = null }) {
  const ids = (all) => all.map((one) => one.id).join();
  if (editing || $("prompt").value !== shown || ids(attached) !== ids(pictures) || mask?.id !== marked?.id) return;
  show({ text: "", attached: [] });
  keepDraft();
  fail("");
}

$("prompt").addEventListener("input", () => { recalled = -1; fail(""); keepDraft(); grow(); });

$("prompt").addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    $("composer").requestSubmit();
  } else if (event.key === "Escape" && editing) leaveEditing();
  else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && recall(event.key === "ArrowUp" ? 1 : -1)) event.preventDefault();
});

function recall(by) {
  const asked = kept.get("asked", []);
  if (recalled < 0 && ($("prompt").value || by < 0)) return false; // the arrows move within what is being written
  if (recalled + by >= asked.length) return true;
  recalled = Math.max(-1, recalled + by);
  $("prompt").value = recalled < 0 ? "" : asked[recalled];
  keepDraft();
  grow();
  return true;
}

// ---- an earlier request, to be asked in other words

// Its draft is kept beside the conversation's own.
export function edit(earlier) {
  show(earlier);
  showEditing(earlier);
  keepDraft();
  $("prompt").focus();
}

function showEditing({ turn, masked = "" }) {
  editing = { turn, masked };
  const part = masked ? ` Only the part of ${masked} that was marked is redrawn, as before.` : "";
  $("composer-note").firstElementChild.textContent = `In place of request ${turn}: a copy of the conversation goes on from there, this one stays.${part}`;
  $("composer-note").hidden = false;
}

function stopEditing() {
  if (editing) keptInTab.set(`edit.${thread}`, null);
  editing = null;
  $("composer-note").hidden = true;
}

function leaveEditing() {
  stopEditing();
  openDraft(thread);
  $("prompt").focus();
}
$("composer-note-off").addEventListener("click", leaveEditing);

// ---- pictures: chosen, dropped or pasted

export const takes = (server) => { most = server.pictures; longest = server.characters; };

export function attach(one) {
  if (attached.some((other) => other.id === one.id)) return;
  if (attached.length >= most) return fail(`${one.name} is not added: a request takes ${most} pictures at most`);
  add(one);
  keepDraft();
}

function add(one) {
  attached.push(one);
  const item = make("li", {}, make("img", { src: one.url, alt: `picture to draw with: ${one.name}` }),
    button("×", () => {
      attached = attached.filter((other) => other !== one);
      item.remove();
      keepDraft();
      $("prompt").focus();
    }, { class: "off", title: "Remove", "aria-label": `Remove ${one.name}` }));
  $("attached").append(item);
  item.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function sendFile(file) {
  const form = new FormData();
  form.append("file", file);
  form.append("purpose", "vision");
  return ask("/v1/files", { method: "POST", body: form });
}

// The next request redraws a part of an image.
export async function attachMask(image, file) {
  fail("");
  try {
    const sent = await sendFile(file);
    showMask({ id: sent.id, image: image.uri.match(/images\/([0-9a-f]+)/)[1], url: image.uri, name: image.name });
    write();
    say(`the next request redraws a part of ${image.name}`);
  } catch (error) {
    showGallery(false);
    fail(`the part is not marked: ${error.message}`);
  }
}

function showMask(one) {
  setMask(one);
  keepDraft();
}

function setMask(one) {
  mask = one;
  $("masked").hidden = !one;
  $("prompt").placeholder = one ? "What the marked part is to show" : "What to draw, or what to change";
  if (!one) return $("masked-image").removeAttribute("src");
  $("masked-image").src = one.url;
  $("masked").children[1].textContent = `Only the marked part of ${one.name}`;
  $("masked-off").title = `Redraw all of ${one.name}`;
  $("masked-off").setAttribute("aria-label", `Redraw all of ${one.name}`);
}

$("masked-off").addEventListener("click", () => { showMask(null); $("prompt").focus(); });

let uploads = Promise.resolve(); // one after another, in the order in which they came
let coming = 0; // pictures that are not added yet
let sendsAfter = false; // whether the request is sent once they are

function upload(files) {
  fail("");
  showGallery(false); // what is added, or why it is not, is told in the composer
  coming += files.length;
  tellComing();
  const conversation = opened;
  uploads = uploads.then(() => addAll(files, conversation));
  return uploads;
}

function tellComing() {
  $("adding").hidden = !coming;
  $("adding").textContent = `Adding ${coming === 1 ? "a picture" : `${coming} pictures`}${sendsAfter ? "; the request is sent after that" : ""}.`;
}

async function addAll(files, conversation) {
  const failures = [];
  for (const file of files) {
    try {
      await addFile(file, conversation);
      say(`${file.name} added`);
    } catch (error) {
      failures.push(`${file.name} is not added: ${error.message}`);
    }
    coming -= 1;
    tellComing();
  }
  if (failures.length) {
    sendsAfter = false; // the person decides whether to draw without them
    tellComing();
    fail(failures.join("; "));
    say(failures.join("; "));
  }
  if (sendsAfter && !coming) $("composer").requestSubmit();
}

async function addFile(file, conversation) {
  if (attached.length >= most) throw new Error(`a request takes ${most} pictures at most`);
  await checkReadable(file);
  const sent = await sendFile(file);
  if (conversation !== opened) throw new Error("another conversation was opened meanwhile");
  attach({ id: sent.id, url: `/images/${sent.id.replace("file-", "")}.png`, name: file.name });
}

// A folder, or a file that is gone, fails as if the server could not be reached.
async function checkReadable(file) {
  try { await file.slice(0, 1).arrayBuffer(); } catch { throw new Error("it can't be read: it is a folder, was moved, or is not yours to read"); }
}

$("pictures").addEventListener("change", async () => {
  await upload([...$("pictures").files]);
  $("pictures").value = "";
});
document.addEventListener("paste", (event) => {
  if (document.querySelector("dialog[open]")) return;
  const files = [...event.clipboardData.files];
  const text = event.clipboardData.getData("text/plain");
  const words = hasWords(text, files);
  const written = event.target.closest("textarea, input:not([type=checkbox], [type=range], [type=file])");
  // A field that is being written in takes the words by itself.
  if (files.length ? !(words && written) : words && !written) event.preventDefault();
  if (words && !written) writeMore(text.trim());
  if (files.length) upload(files);
});

// Words that were pasted while nothing was being written go behind what is written already.
function writeMore(words) {
  const field = $("prompt");
  write();
  const gap = /\S$/.test(field.value) ? " " : "";
  field.setRangeText(gap + words, field.value.length, field.value.length, "end");
  field.dispatchEvent(new Event("input"));
}

// Words that were copied together with a picture are pasted, too; the names that a file manager gives for files are not.
function hasWords(text, files) {
  const names = files.flatMap((file) => [file.name, encodeURIComponent(file.name)]);
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return lines.some((line) => !names.some((name) => line.endsWith(name)));
}

document.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); });
document.addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  upload([...event.dataTransfer.files]);
});

// ---- sending

export function onSubmit(draw) {
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const prompt = $("prompt").value.trim();
    if (!prompt) return fail("say what to draw, or what to change");
    const long = [...prompt].length; // as the server counts them
    if (long > longest) return fail(`not sent: ${quoted(prompt)} has ${long} characters; shorten it to at most ${longest}`);
    const wrong = invalid();
    if (wrong) {
      fail(`not sent, since a setting is not valid. ${wrong}`);
      return openSettings();
    }
    fail("");
    sendsAfter = coming > 0;
    if (sendsAfter) {
      tellComing();
      return say($("adding").textContent);
    }
    kept.set("asked", [prompt, ...kept.get("asked", []).filter((one) => one !== prompt)].slice(0, MOST_RECALLED));
    recalled = -1;
    const sent = { prompt, pictures: attached, mask, before: editing?.turn ?? null, masked: editing?.masked ?? "" };
    sent.maskOf = sent.masked && !mask ? sent.before : null;
    stopEditing();
    show({ text: "", attached: [] });
    if (sent.before == null) keepDraft(); // that of the conversation is behind the edited request
    draw(sent);
  });
}
