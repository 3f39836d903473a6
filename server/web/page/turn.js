// One turn of the conversation: its steps as they happen, and what one sees of it at its end.

import { $, button, make, say } from "/page/dom.js";
import { post } from "/page/api.js";
import { goOnFrom, origin, remember, words } from "/page/gallery.js";
import { copyButton, downloadLink, enlargeable } from "/page/lightbox.js";
import { parts } from "/page/settings.js";

const MOST_SHOWN = 6; // images of one step; all are in the gallery
const NEAR = 120; // pixels from the end within which the newest is followed
const VARIATIONS = 4;
let following = true;

// ---- scrolling: the newest is followed until the person scrolls up

const scroller = () => $("scroller");

function atEnd() { return scroller().scrollHeight - scroller().scrollTop - scroller().clientHeight < NEAR; }

// Of a result that is higher than the view the beginning is what the jump leads to.
function seesLatest() {
  const result = $("log").lastElementChild?.querySelector(".result:not([hidden])");
  return atEnd() || Boolean(result && result.getBoundingClientRect().top <= scroller().getBoundingClientRect().top + NEAR);
}

function seeEnd() {
  following = atEnd();
  $("latest").hidden = seesLatest();
}

export function toLatest() {
  following = true;
  const last = $("log").lastElementChild;
  const result = last?.querySelector(".result:not([hidden])");
  // A result that is higher than the view is shown from its beginning: the image and why the run ended.
  if (result && last.offsetHeight > scroller().clientHeight) result.scrollIntoView({ block: "start" });
  else scroller().scrollTop = scroller().scrollHeight;
  $("latest").hidden = true;
}

function grown() { if (following) toLatest(); else $("latest").hidden = seesLatest(); }

$("scroller").addEventListener("scroll", seeEnd, { passive: true });
$("scroller").addEventListener("load", () => { if (following) toLatest(); }, { capture: true }); // images come later than their places
// A notice above, and a composer that grows, take of the view.
new ResizeObserver(() => { if (following) toLatest(); }).observe($("scroller"));
$("latest").addEventListener("click", () => { toLatest(); focusLatest(); });

export function focusLatest() {
  const results = $("log").querySelectorAll(".run");
  (results[results.length - 1] ?? $("prompt")).focus({ preventScroll: true });
}

// ---- what was asked

export function addAsked(text, pictures = [], masked = "") {
  $("welcome").hidden = true;
  const node = make("li", { class: "asked" }, make("span", { text }));
  showAlong(node, pictures, masked);
  $("log").append(node);
  grown();
  return node;
}

// What was sent beside the words: pictures, and of which image a part is redrawn.
export function showAlong(asked, pictures, masked) {
  asked.replaceChildren(asked.firstElementChild,
    ...pictures.map((url) => make("img", { src: url, alt: "picture of yours" })),
    ...(masked ? [make("small", { text: `only the marked part of ${masked}` })] : []));
}

// ---- a run under way

export function addRun(request, pictures = []) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": "Progress of the drawing at hand" });
  const line = make("p", { class: "soft", text: "sent" });
  const preview = make("img", { class: "preview", alt: "Rough preview of the drawing at hand", width: 128, hidden: true });
  const result = make("section", { class: "result", "aria-label": "Result", hidden: true });
  const steps = make("ul", { "aria-label": "Steps" });
  const heading = make("summary", { text: "Steps" });
  const details = make("details", { class: "steps", open: true }, heading, steps);
  const actions = make("div", { class: "actions" });
  const node = make("li", { class: "run", tabIndex: -1 }, result, line, bar, preview, details, actions);
  $("log").append(node);
  grown();
  return { node, bar, line, preview, result, steps, heading, details, actions, request, pictures, masked: "", given: null, asked: null, concepts: new Map(), why: "", answer: null, notes: [], drawn: [] };
}

// The server tells a run from its beginning each time: what was told before goes.
export function restart(run) {
  run.steps.replaceChildren();
  run.concepts.clear();
  run.notes = [];
  run.drawn = [];
  run.answer = null;
}

function step(run, heading, ...children) {
  run.steps.append(make("li", {}, make("strong", { text: heading }), ...children));
  const count = run.steps.childElementCount;
  run.heading.textContent = `Steps (${count})`;
  run.line.textContent = heading; // what happens between two drawings has no progress of its own
  grown();
  say(heading);
}

function figure(image) {
  return make("figure", { class: "picture" },
    enlargeable(image.uri, image.id, words(image), { width: 256, height: 256 }, `${words(image)}; ${origin(image)}`),
    make("figcaption", { text: `${image.id}: ${origin(image)}` }),
    make("div", { class: "actions" }, copyButton(image.uri, image.id), downloadLink(image.uri, image.id)));
}

function verdictList(concepts) {
  return make("ul", { class: "verdict" }, ...concepts.map((concept) =>
    make("li", { class: concept.present ? "good" : "bad",
      text: `${concept.present ? "✓" : "✗"} ${concept.concept}: ${concept.in_words} (${concept.score.toFixed(2)})` })));
}

function referenceCard(reference, extra) {
  const own = reference.kind === "subject";
  const found = own ? "" : `similarity ${reference.similarity.toFixed(2)} to "${reference.caption}"; `;
  return make("li", { class: "card" },
    enlargeable(reference.uri, reference.id, `Reference: ${reference.title}`, { width: 80, height: 80 }, undefined, false),
    make("div", { text: reference.title }),
    make("small", { text: `${reference.id} for ${reference.concept || "the whole picture"}; ${found}${reference.attribution}` }),
    extra);
}

const choices = (run) => run.steps.querySelectorAll("[role=group] button, [role=group] input[type=checkbox]");

export function onEvent(run, event) {
  // Whatever happens after a question shows that it has been answered, perhaps before this page was loaded.
  if (event.event !== "queued") choices(run).forEach((control) => { control.disabled = true; });
  switch (event.event) {
    case "queued":
      run.line.textContent = event.position ? `in the queue: ${event.position} come first` : "its turn has come";
      break;
    case "progress":
      if (event.total) { run.bar.max = event.total; run.bar.value = event.done; } else run.bar.removeAttribute("value");
      run.line.textContent = event.text || `${event.what}: step ${event.done} of ${event.total}`;
      break;
    case "preview":
      run.preview.src = `data:image/png;base64,${event.png}`;
      run.preview.hidden = false;
      break;
    case "images": {
      run.preview.hidden = true;
      run.drawn.push(event.images);
      const more = event.images.length - MOST_SHOWN;
      step(run, event.images.length > 1 ? `${event.images.length} candidates drawn` : `${event.images[0].id} drawn`,
        ...event.images.slice(0, MOST_SHOWN).map(figure), more > 0 ? make("p", { text: `and ${more} more, in the gallery` }) : null);
      remember(event.images);
      break;
    }
    case "verdict":
      run.concepts.set(event.image.id, event.verdict.concepts);
      step(run, `${event.image.id} scores ${event.verdict.score.toFixed(2)}${event.best ? ", the best so far" : ""}${event.verdict.uncalibrated ? ", uncalibrated" : ""}`, verdictList(event.verdict.concepts));
      remember([event.image]);
      break;
    case "captions":
      step(run, `looking up ${Object.keys(event.captions).join(", ")}`,
        make("ul", {}, ...Object.entries(event.captions).map(([concept, captions]) =>
          make("li", { class: "soft", text: `${concept}: ${captions.map((caption) => `"${caption}"`).join("; ")}` }))));
      break;
    case "references":
      if (!event.references.length) run.notes.push("the library has nothing close enough to what was missing");
      step(run, event.references.length ? `${event.references.length} references found` : "the library has nothing close enough",
        make("ul", { class: "refs" }, ...event.references.map((reference) => referenceCard(reference))));
      break;
    case "answer":
      run.answer = event;
      step(run, event.text);
      break;
    case "note":
      run.notes.push(event.text);
      step(run, `note: ${event.text}`);
      break;
    case "approval":
      askApproval(run, event);
      break;
    case "stop":
      run.why = event.detail;
      break;
  }
}

// ---- approval of references before a redraw

function askApproval(run, event) {
  const before = new Set(event.chosen);
  const boxes = event.references.map((reference) => {
    const name = `keep-${run.id}-${reference.id}`;
    const box = make("input", { type: "checkbox", checked: before.has(reference.id), id: name, value: reference.id });
    return referenceCard(reference, make("label", { for: name }, box, ` use ${reference.id}`));
  });
  const decide = (choice) => () => {
    const chosen = [...form.querySelectorAll("input:checked")].map((box) => box.value);
    if (choice === "edit" && !chosen.length) {
      run.line.textContent = "choose at least one reference, or reject them all";
      return say(run.line.textContent);
    }
    choices(run).forEach((control) => { control.disabled = true; });
    post(`/web/runs/${run.id}/decision`, { choice, references: chosen }).catch((error) => {
      choices(run).forEach((control) => { control.disabled = false; });
      run.line.textContent = error.message;
      say(error.message);
    });
  };
  const form = make("div", { role: "group", "aria-label": "References for the redraw" },
    make("ul", { class: "refs" }, ...boxes),
    make("div", { class: "actions" },
      button("Redraw with these", decide("edit"), { class: "main" }),
      button("Reject them all", decide("reject"))));
  step(run, `redraw with ${event.chosen.join(", ")}? At most ${event.most}`, form);
  run.line.textContent = "waiting for you";
}

// ---- the end: the returned image, why it ended, what is missing, and what can be done with it

// `commands`: retry(run), paint(image), redraw(image), variations(image, n), useAsSubject(image), edit(run)
export function showEnd(run, outcome, commands, turn = null) {
  run.turn = turn;
  run.bar.remove();
  run.preview.hidden = true;
  run.actions.replaceChildren();
  choices(run).forEach((control) => { control.disabled = true; });
  const why = outcome.error ?? (run.why || (outcome.stop_reason ?? "stopped before its turn came"));
  const said = run.answer?.text;
  run.line.className = outcome.error ? "why bad" : "why";
  run.line.textContent = outcome.error ? `failed: ${why}` : said ?? `finished after ${outcome.seconds?.toFixed(1)} s: ${why}`;
  if (outcome.seconds == null && !outcome.error && !said) run.line.textContent = "why it ended is not known: it was drawn elsewhere, or its server ended meanwhile";
  const image = outcome.image ?? run.answer?.image;
  remember(outcome.images);
  run.result.replaceChildren();
  if (image) {
    run.result.append(enlargeable(image.uri, image.id, words(image), {}, `${words(image)}; ${origin(image)}`));
  }
  run.result.append(run.line);
  if (image) {
    const absent = new Map((run.concepts.get(image.id) ?? []).filter((concept) => concept.kind === "absence").map((concept) => [concept.concept, concept.in_words]));
    const lacking = image.missing.map((name) => (absent.has(name) ? `${name} (${absent.get(name)})` : name));
    const missing = lacking.length ? `Still missing: ${lacking.join(", ")}.` : image.score == null ? "" : "Nothing is missing.";
    run.result.append(make("p", { class: image.missing.length ? "bad" : "soft", text: `${image.id}${image.score == null ? ", not judged" : `, score ${image.score.toFixed(2)}`}, seed ${image.seed}${outcome.generator ? `, ${parts(outcome)}` : ""}. ${missing}` }));
  }
  if (image) run.result.append(...candidates(run, outcome, image));
  if (run.notes.length) run.result.append(make("ul", { class: "notes soft", "aria-label": "Notes" }, ...[...new Set(run.notes)].map((text) => make("li", { text }))));
  run.result.append(resultActions(run, image, commands));
  run.result.hidden = false;
  const within = run.details.contains(document.activeElement);
  run.details.open = false; // the steps fold away behind the result
  run.details.hidden = run.steps.childElementCount === 0;
  if (within) run.node.focus({ preventScroll: true });
  grown();
}

// Those that were drawn together with the image that was chosen: who asked for several wants to choose.
function candidates(run, outcome, image) {
  const together = run.drawn.find((images) => images.some((one) => one.uri === image.uri)) ?? [];
  const judged = new Map(outcome.images.map((one) => [one.uri, one]));
  const others = together.filter((one) => one.uri !== image.uri).map((one) => ({ ...one, ...judged.get(one.uri) }));
  if (!others.length) return [];
  return [make("ul", { class: "candidates", "aria-label": `Drawn together with ${image.id}` }, ...others.map((one) => make("li", {},
    enlargeable(one.uri, one.id, words(one), { width: 80, height: 80 }, `${words(one)}; ${origin(one)}`),
    button("Take this", () => goOnFrom(one), { class: "link", "aria-label": `Go on from ${one.id}` }))))];
}

function resultActions(run, image, commands) {
  const box = make("div", { class: "actions" });
  if (image) {
    const id = image.uri.match(/images\/([0-9a-f]+)/)[1];
    box.append(
      button("Enlarge", () => run.result.querySelector(".enlarge").click(), { "aria-label": `Enlarge ${image.id} in full` }),
      copyButton(image.uri, image.id), downloadLink(image.uri, image.id),
      make("a", { class: "button", href: `/web/report/${id}`, download: `${image.id}.html`, text: "Report", "aria-label": `Download the report of ${image.id}'s run` }),
      make("a", { class: "button", href: `/web/manifest/${id}`, download: `${image.id}.json`, text: "Manifest", "aria-label": `Download the manifest of ${image.id}` }),
      button("Paint a part", () => commands.paint(image), { class: "paint", "aria-label": `Paint where to redraw ${image.id}` }),
      button("Use as subject", () => commands.useAsSubject(image, id), { "aria-label": `Use ${image.id} as subject` }),
      button("Variations", () => commands.variations(image, id, VARIATIONS), { "aria-label": `${VARIATIONS} variations of what ${image.id} shows` }),
      button("Redraw", () => commands.redraw(image, id), { "aria-label": `Draw what ${image.id} shows once more` }));
  } else {
    box.append(button("Retry", () => commands.retry(run)));
  }
  if (run.turn) box.append(button("Edit", () => commands.edit(run), { "aria-label": `Edit request ${run.turn} and go on from there` }));
  return box;
}
