// The chat page: asks the server's own small API and shows each step as it happens. It is served as it is, without a build step.

import { $, button, kept, notice, quoted, say } from "/page/dom.js";
import { answers, ask, found, isLost, lost, post, whenBack } from "/page/api.js";
import { attach, edit, fail, forgetDrafts, named, onSubmit, openDraft, putBack, takeOut, takes, write } from "/page/composer.js";
import { listConversations, openConversations } from "/page/conversations.js";
import { forget, showGallery, toggleGallery } from "/page/gallery.js";
import { madeWith, offered, openSettings, settings, settingsSent } from "/page/settings.js";
import { whenPainted } from "/page/lightbox.js";
import { paint } from "/page/paint.js";
import { shortcuts } from "/page/shortcuts.js";
import { addAsked, addRun, focusLatest, onEvent, restart, showAlong, showEnd, toLatest } from "/page/turn.js";

let here = { name: "" }; // the conversation that is open; a new one has no name until its first request was taken; {name, title, turns: how many have ended}
let opened = 0; // counts the openings: what an earlier one is still waiting for comes too late
let waiting = []; // runs of this conversation under way, in order; the first one is followed
let untold = []; // runs that were under way when the server went away, and whose end was not told yet
let source = null;
let sending = Promise.resolve(); // a request waits until the one before has its conversation
const tabs = new BroadcastChannel("imagerag");

// What the tab is called: by its conversation, so that several of them, and bookmarks, are told apart.
function entitle(title) {
  here.title = title;
  document.title = title ? `${title} - imagerag` : "imagerag";
}

// ---- runs

async function start(conversation, body, asked, run, given) {
  try {
    const started = await post("/web/runs", { ...body, thread: conversation.name });
    tabs.postMessage({ what: "began", thread: started.thread, run_id: started.run_id, request: started.request });
    settingsSent(started.thread, started);
    if (body.before != null) {
      if (conversation !== here) return; // the copy is among the conversations
      await open(started.thread);
      return notice("This is a copy that goes on from an earlier request; the conversation before is among the others.");
    }
    conversation.name = started.thread;
    if (conversation !== here) return; // another conversation was opened meanwhile; this run goes on without being looked at
    named(here.name);
    history.replaceState(null, "", `#${here.name}`); // so that a reload comes back to it
    if (!here.title) entitle(started.request); // until something is drawn of it
    run.request = started.request;
    asked.firstElementChild.textContent = started.request;
    if (body.again) showAlong(asked, started.pictures, "");
    follow(run, started.run_id);
  } catch (error) {
    say(error.message);
    if (conversation !== here) return notice(`${quoted(given.shown)} was not sent: ${error.message}`);
    if (run) showEnd(run, { error: error.message, images: [], image: null }, commands);
    if (run && error.status == null) run.node.classList.add("unsent");
    fail(error.message);
    putBack(given);
  }
}

// Draw a request: at once, or after those that are under way.
function draw(given) {
  const { prompt = "", again = "", pictures = [], mask = null, before = null, maskOf = null, overrides = {} } = given;
  const shown = given.shown ?? prompt;
  notice("");
  const urls = pictures.map((one) => one.url);
  const body = { prompt, again, pictures: pictures.map((one) => one.id), mask: mask?.id ?? "", masked: mask?.image ?? "", before, mask_of: maskOf, ...settings(), ...overrides };
  if (again && !body.negative) body.negative = null; // what the image was not to show
  const asked = before == null ? addAsked(shown, urls, mask?.name) : null;
  const run = before == null ? addRun(shown, urls) : null;
  if (run) Object.assign(run, { given, asked });
  toLatest();
  const conversation = here;
  sending = sending.then(() => start(conversation, body, asked, run, { ...given, shown, pictures }));
}

function follow(run, id) {
  run.id = id;
  run.actions.replaceChildren(button("Stop", (event) => {
    event.target.disabled = true;
    run.line.textContent = "stopping";
    post(`/web/runs/${id}/cancel`, {}).catch((error) => {
      event.target.disabled = false;
      run.line.textContent = error.message;
      say(error.message);
    });
  }));
  waiting.push(run);
  if (waiting.length > 1) run.line.textContent = `waits for its turn: ${waiting.length - 1} of this conversation come first`;
  listen();
}

// Follow the first of those under way: they come one after another, and browsers have few connections.
function listen() {
  if (source || !waiting.length) return;
  const run = waiting[0];
  const events = new EventSource(`/web/runs/${run.id}/events`);
  source = events;
  let first = true;
  events.onopen = () => { if (!first) restart(run); first = false; };
  events.onerror = () => {
    if (source !== events) return;
    if (events.readyState !== EventSource.CLOSED) return lost(); // the page opens the conversation anew when the server is back
    source = null;
    comeBack(); // it was restarted, or has forgotten this run
  };
  events.onmessage = (message) => {
    const event = JSON.parse(message.data);
    onEvent(run, event);
    if (event.event !== "end") return;
    events.close();
    source = null;
    waiting = waiting.filter((other) => other !== run);
    here.name = event.run.thread;
    if (event.turn != null) { // another tab, or the page before a reload, may have sent it
      here.turns = event.turn;
      Object.assign(run, { pictures: event.pictures, masked: event.masked });
      showAlong(run.asked, event.pictures, event.masked);
    }
    entitle(event.title || (here.turns ? here.title : "")); // one of words alone is called by its first request
    addressHere();
    showEnd(run, event.run, commands, event.turn);
    madeWith(event.run);
    say(run.line.textContent);
    listen();
  };
}

function showForgotten({ request, given }) {
  const text = "the server was restarted or has forgotten this run; it is not finished. What had been drawn is kept";
  const pictures = (given?.pictures ?? []).map((one) => one.url);
  const asked = addAsked(request, pictures, given?.mask?.name);
  const run = Object.assign(addRun(request, pictures), { asked, given });
  showEnd(run, { error: text, images: [], image: null }, commands);
  toLatest();
  say(text);
}

const FRESH = () => ({ seed: Math.floor(Math.random() * 2 ** 32) });

const commands = {
  retry: (run) => {
    if (run.given) takeOut({ ...run.given, shown: run.given.shown ?? run.given.prompt });
    draw(run.given ?? { prompt: run.request, pictures: run.pictures.map(pictureOf), maskOf: run.masked ? run.turn : null });
  },
  redraw: (image, id) => draw({ again: id, shown: image.prompt, overrides: FRESH() }),
  variations: (image, id, n) => draw({ again: id, shown: image.prompt, overrides: { ...FRESH(), n } }),
  useAsSubject: (image, id) => {
    attach({ id: `file-${id}`, url: image.uri, name: image.id });
    $("prompt").focus();
    say(`${image.id} is added to the next request`);
  },
  paint: (image) => paint(image.uri, image.id),
  edit: (run) => edit({ turn: run.turn, text: run.request, attached: run.pictures.map(pictureOf), masked: run.masked }),
};

const pictureOf = (url) => ({ id: `file-${url.match(/images\/([0-9a-f]+)/)[1]}`, url, name: "picture of yours" });

// ---- conversations

// A conversation whose first request was refused is none: its address would lead nowhere.
function addressHere() {
  history.replaceState(null, "", here.turns || waiting.length ? `#${here.name}` : location.pathname);
}

// Returns the turns that have ended, as the server tells them.
async function open(name) {
  const mine = ++opened;
  source?.close();
  source = null;
  waiting = [];
  here = { name };
  entitle("");
  forget();
  showGallery(false);
  notice("");
  fail("");
  $("log").replaceChildren();
  $("welcome").hidden = Boolean(name);
  // The browser's Back leads to the conversation before.
  if (name !== addressed()) history.pushState(null, "", name ? `#${name}` : location.pathname);
  openDraft(name);
  if (!name) return;
  try {
    const told = await ask(`/web/threads/${encodeURIComponent(name)}`);
    if (mine !== opened) return;
    if (!told.known) return unknown(name);
    for (const turn of told.turns) {
      const asked = addAsked(turn.request, turn.pictures, turn.masked);
      const run = addRun(turn.request, turn.pictures);
      Object.assign(run, { asked, masked: turn.masked });
      for (const event of turn.events) onEvent(run, event);
      showEnd(run, turn.run, commands, turn.turn);
      madeWith(turn.run);
    }
    here.turns = told.turns.length;
    entitle(told.title || told.running[0]?.request || told.turns[0]?.request);
    for (const active of told.running) taken(active);
    toLatest();
    say(`conversation with ${told.turns.length} turns opened`);
    return told.turns;
  } catch (error) {
    if (mine !== opened) return;
    if (error.status === 404) return unknown(name); // what no conversation can be called
    notice(`This conversation can't be shown: ${error.message}`);
  }
}

function unknown(name) {
  here = { name: "" };
  $("welcome").hidden = false;
  history.replaceState(null, "", location.pathname);
  openDraft("");
  notice(`There is no conversation ${quoted(name)} of this browser: it was deleted, or belongs to somebody else. What you draw now begins a new one.`);
}

// Back does not lead to what is no more.
function leaveDeleted() {
  history.replaceState(null, "", location.pathname);
  return open("");
}

// The conversation that the address names; one that is no text that was encoded is taken as it stands.
function addressed() {
  const name = location.hash.slice(1);
  try { return decodeURIComponent(name); } catch { return name; }
}

function taken(active) {
  const asked = addAsked(active.request);
  const run = addRun(active.request);
  run.asked = asked;
  follow(run, active.run_id);
}

// After the server was away: what has become of the runs that were looked at.
async function comeBack() {
  const mine = opened;
  if (!(await answers())) return lost();
  if (mine !== opened) return; // somebody, or the other way to learn that it is back, was quicker
  found();
  const thread = here.name;
  if (!thread) return;
  const underWay = waiting.map((run) => ({ thread, run_id: run.id, request: run.request, given: run.given, after: here.turns ?? 0 }));
  const before = [...untold.filter((one) => one.thread === thread), ...underWay];
  untold = [];
  const turns = (await open(thread)) ?? [];
  const gone = before.filter((one) => !waiting.some((run) => run.id === one.run_id));
  if (isLost()) { untold = gone; return; } // it went away again: they are told when it is back
  const unfinished = [];
  for (const one of gone) {
    const at = turns.findIndex((other) => other.turn > one.after && other.request === one.request);
    const [turn] = at < 0 ? [] : turns.splice(at, 1); // the same words may have been asked before, and again
    if (turn?.run.seconds != null) continue; // it ended while the page could not see it
    if (!turn) showForgotten(one);
    unfinished.push(quoted(one.request));
  }
  const [are, them] = unfinished.length > 1 ? ["were", "them"] : ["was", "it"];
  if (unfinished.length) notice(`The server was restarted, and ${unfinished.join(" and ")} ${are} not finished: ask for ${them} again.`);
}

// Another tab of this browser, on the same conversation.
tabs.onmessage = ({ data }) => {
  if (data.what === "deleted") forgetDrafts(data.thread);
  if (!here.name || data.thread !== here.name) return;
  if (data.what === "deleted") leaveDeleted().then(() => notice("This conversation was deleted in another tab."));
  else if (data.what === "renamed") entitle(data.title);
  else if (!waiting.some((run) => run.id === data.run_id)) taken(data);
};

listConversations({
  open: (name) => open(name).then(() => $("prompt").focus()),
  current: () => here.name,
  renamed: (name, title) => {
    tabs.postMessage({ what: "renamed", thread: name, title });
    if (name === here.name) entitle(title);
  },
  deleted: (name) => {
    for (const what of ["parts", "negative"]) kept.set(`${what}.${name}`, null);
    forgetDrafts(name);
    tabs.postMessage({ what: "deleted", thread: name });
    if (name === here.name) leaveDeleted();
  },
});

// ---- controls

function latest() {
  showGallery(false);
  toLatest();
  focusLatest();
}

const fresh = () => open("").then(() => $("prompt").focus());

onSubmit(draw);
whenBack(comeBack);
whenPainted(paint);
$("new").addEventListener("click", fresh);
window.addEventListener("hashchange", () => open(addressed()));
document.querySelectorAll("[data-skip]").forEach((link) => link.addEventListener("click", (event) => {
  event.preventDefault(); // the address names the conversation
  (link.dataset.skip === "prompt" ? write : latest)();
}));
// The link of an image leads to its conversation also if that is open already.
$("all-images").addEventListener("click", (event) => { if (event.target.hash && event.target.hash === location.hash) latest(); });
$("suggestions").addEventListener("click", (event) => {
  if (event.target.tagName !== "BUTTON") return;
  const suggested = [...$("suggestions").querySelectorAll("button")].map((one) => one.textContent);
  const written = $("prompt").value.trim();
  if (suggested.includes(written)) $("prompt").value = ""; // one takes the place of another
  else if (written) fail(`${quoted(event.target.textContent)} is not put in place of what is written; clear that first.`);
  putBack({ shown: event.target.textContent });
  $("prompt").focus();
});
shortcuts({
  "/": write,
  j: latest,
  e: () => [...$("log").querySelectorAll(".result .enlarge")].at(-1)?.click(),
  p: () => [...$("log").querySelectorAll(".result .paint")].at(-1)?.click(),
  n: fresh,
  c: openConversations,
  s: openSettings,
  g: toggleGallery,
  "?": () => $("help").showModal(),
});

ask("/web/server").then((server) => {
  offered(server);
  takes(server);
  document.body.classList.toggle("no-masks", !server.masks);
}).catch((error) => { $("engines").textContent = error.message; });
open(addressed());
