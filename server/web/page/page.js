// The chat page: asks the server's own small API, shows each step as it happens, keeps nothing itself.
// All text of people, models and libraries goes in as textContent, never as HTML.
// One file, and longer than others for that: the page is served as it is, without a build step.

const $ = (id) => document.getElementById(id);
let thread = "";
let images = new Map(); // images of this conversation, by address
let attached = [];
let running = null; // {id, source, node}

function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name === "class" ? "class" : name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

function say(text) { $("status").textContent = text; }

async function ask(path, options = {}) {
  const answer = await fetch(path, options);
  if (answer.status === 401) { location.assign("/login"); throw new Error("no token"); }
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.error.message), { status: answer.status });
  return body;
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

// ---- one image, one verdict, one reference

function words(image) {
  const score = image.score == null ? "not judged" : `score ${image.score.toFixed(2)}`;
  const missing = image.missing.length ? `, missing: ${image.missing.join(", ")}` : "";
  return `${image.id}: ${image.prompt}; ${score}${missing}`;
}

function verdictList(verdict) {
  return make("ul", {}, ...verdict.concepts.map((concept) =>
    make("li", { class: concept.present ? "good" : "bad",
      text: `${concept.present ? "✓" : "✗"} ${concept.concept}: ${concept.present ? "there" : "missing"} (${concept.score.toFixed(2)})` })));
}

function origin(image) {
  const parts = [`seed ${image.seed}`];
  if (image.parent) parts.push(`redraw of ${image.parent}`);
  if (image.references.length) parts.push(`with ${image.references.join(", ")} at scale ${image.reference_scale}`);
  return parts.join(", ");
}

function figure(image) {
  return make("figure", { class: "picture" },
    make("img", { src: image.uri, alt: words(image), width: 256, height: 256 }),
    make("figcaption", { text: `${image.id}: ${origin(image)}` }));
}

function referenceCard(reference, extra) {
  return make("li", { class: "card" },
    make("img", { src: reference.uri, alt: `Reference: ${reference.title}`, width: 80, height: 80, loading: "lazy" }),
    make("div", { text: reference.title }),
    make("small", { text: `${reference.id} for ${reference.concept || "the whole picture"}; ${reference.source}, ${reference.licence}` }),
    extra);
}

// ---- a turn of the conversation

function addAsked(text, pictures = []) {
  $("welcome").hidden = true;
  $("log").append(make("li", { class: "asked" }, make("span", { text }),
    ...pictures.map((url) => make("img", { src: url, alt: "picture of yours" }))));
}

function addRun() {
  const bar = make("progress", { max: 1, value: 0, "aria-label": "Progress of the drawing at hand" });
  const line = make("p", { class: "soft", text: "sent" });
  const preview = make("img", { class: "preview", alt: "Rough preview of the drawing at hand", width: 128, hidden: true });
  const steps = make("ul", { "aria-label": "Steps" });
  const actions = make("div", { class: "actions" });
  const node = make("li", { class: "run" }, line, bar, preview, steps, actions);
  $("log").append(node);
  node.scrollIntoView({ block: "end" });
  return { node, bar, line, preview, steps, actions };
}

function step(run, heading, ...children) {
  run.steps.append(make("li", {}, make("strong", { text: heading }), ...children));
  run.node.scrollIntoView({ block: "end" });
  say(heading);
}

const ENDINGS = {
  satisfied: "the critic is satisfied", done: "nothing more was left to try", no_improvement: "redrawing no longer made it better",
  uncalibrated: "the critic is not calibrated, which is no ground for a redraw", steps: "the step limit was reached",
  generations: "the limit of drawings was reached", seconds: "the time limit was reached", loading: "the models took too long to load", tokens: "the token limit was reached",
  money: "the money limit was reached", cancelled: "it was stopped", unavailable: "the generator's server can't be reached or is busy", error: "an error ended it",
  answered: "it was answered in words, and nothing was drawn",
};

const choices = (run) => run.steps.querySelectorAll("[role=group] button, [role=group] input");

function onEvent(run, event) {
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
    case "images":
      run.preview.hidden = true;
      step(run, event.images.length > 1 ? `${event.images.length} candidates drawn` : `${event.images[0].id} drawn`,
        ...event.images.slice(0, 6).map(figure));
      remember(event.images);
      break;
    case "verdict":
      step(run, `${event.image.id} scores ${event.verdict.score.toFixed(2)}${event.best ? ", the best so far" : ""}${event.verdict.uncalibrated ? ", uncalibrated" : ""}`, verdictList(event.verdict));
      remember([event.image]);
      break;
    case "captions":
      step(run, `looking up ${Object.keys(event.captions).join(", ")}`);
      break;
    case "references":
      step(run, event.references.length ? `${event.references.length} references found` : "the library has nothing close enough",
        make("ul", { class: "refs" }, ...event.references.map((reference) => referenceCard(reference))));
      break;
    case "answer":
      step(run, event.text, ...(event.image ? [figure(event.image)] : []));
      break;
    case "note":
      step(run, `note: ${event.text}`);
      break;
    case "approval":
      askApproval(run, event);
      break;
    case "end":
      endRun(run, event.run);
      break;
  }
}

// How a run ended; of one that was told again after a reload, the same.
function showEnd(run, outcome) {
  run.bar.remove();
  run.actions.replaceChildren();
  choices(run).forEach((control) => { control.disabled = true; });
  const why = outcome.error ?? (outcome.stop_reason ? ENDINGS[outcome.stop_reason] : "stopped before its turn came");
  run.line.className = outcome.error ? "bad" : "soft";
  run.line.textContent = outcome.error ? `failed: ${why}` : `finished after ${outcome.seconds?.toFixed(1)} s: ${why}`;
  if (outcome.seconds == null) run.line.remove(); // made at the command line, which keeps no account
  remember(outcome.images);
  if (outcome.image) addActions(run.actions, outcome.image);
}

function endRun(run, outcome) {
  running?.source.close();
  running = null;
  showEnd(run, outcome);
  say(run.line.textContent);
  thread = outcome.thread;
  $("composer").querySelector("button.main").disabled = false;
  refreshThreads();
  run.node.scrollIntoView({ block: "end" });
}

function addActions(box, image) {
  const id = image.uri.match(/images\/([0-9a-f]+)/)[1];
  box.append(
    make("a", { class: "button", href: image.uri, download: `${image.id}.png`, text: "Image", "aria-label": `Download ${image.id}` }),
    make("a", { class: "button", href: `/web/report/${id}`, download: `${image.id}.html`, text: "Report", "aria-label": `Download the report of ${image.id}'s run` }),
    make("a", { class: "button", href: `/web/manifest/${id}`, download: `${image.id}.json`, text: "Manifest", "aria-label": `Download the manifest of ${image.id}` }));
}

async function draw(prompt) {
  const value = (id) => ($(id).value === "" ? null : $(id).type === "number" ? Number($(id).value) : $(id).value);
  const body = {
    prompt, thread, pictures: attached.map((one) => one.id), seed: value("seed"), n: value("n"), mode: value("mode"),
    max_generations: value("max_generations"), max_seconds: value("max_seconds"), approve: $("approve").checked,
  };
  addAsked(prompt, attached.map((one) => one.url));
  const run = addRun();
  $("composer").querySelector("button.main").disabled = true;
  try {
    const started = await post("/web/runs", body);
    thread = started.thread;
    history.replaceState(null, "", `#${thread}`); // so that a reload comes back to it
    attached = [];
    $("attached").replaceChildren();
    follow(run, started.run_id);
  } catch (error) {
    run.bar.remove();
    run.line.className = "bad";
    run.line.textContent = error.message;
    say(error.message);
    $("prompt").value ||= prompt;
    $("composer").querySelector("button.main").disabled = false;
  }
}

function follow(run, id) {
  const source = new EventSource(`/web/runs/${id}/events`);
  running = { id, source };
  const stop = make("button", { type: "button", text: "Stop", on: { click: () => {
    stop.disabled = true;
    run.line.textContent = "stopping";
    post(`/web/runs/${id}/cancel`, {}).catch((error) => { stop.disabled = false; run.line.textContent = error.message; say(error.message); });
  } } });
  run.actions.replaceChildren(stop);
  let first = true;
  source.onopen = () => { if (!first) run.steps.replaceChildren(); first = false; }; // the server tells all from the beginning
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED || running?.source !== source) return;
    running = null;
    run.line.className = "bad";
    run.line.textContent = "the server does not know this run any more; what was drawn is kept";
    say(run.line.textContent);
    $("composer").querySelector("button.main").disabled = false;
  };
  source.onmessage = (message) => onEvent(run, JSON.parse(message.data));
}

// ---- approval of references before a redraw

function askApproval(run, event) {
  const kept = new Set(event.chosen);
  const boxes = event.references.map((reference) => {
    const box = make("input", { type: "checkbox", checked: kept.has(reference.id), id: `keep-${reference.id}`, value: reference.id });
    return referenceCard(reference, make("label", { for: `keep-${reference.id}` }, box, ` use ${reference.id}`));
  });
  const decide = (choice) => () => {
    const chosen = [...form.querySelectorAll("input:checked")].map((box) => box.value);
    form.querySelectorAll("input, button").forEach((control) => { control.disabled = true; });
    post(`/web/runs/${running.id}/decision`, { choice, references: chosen }).catch((error) => {
      form.querySelectorAll("input, button").forEach((control) => { control.disabled = false; });
      run.line.textContent = error.message;
      say(error.message);
    });
  };
  const form = make("div", { role: "group", "aria-label": "References for the redraw" },
    make("ul", { class: "refs" }, ...boxes),
    make("div", { class: "actions" },
      make("button", { type: "button", class: "main", text: "Redraw with these", on: { click: decide("edit") } }),
      make("button", { type: "button", text: "Reject them all", on: { click: decide("reject") } })));
  step(run, `redraw with ${event.chosen.join(", ")}? At most ${event.most}`, form);
  run.line.textContent = "waiting for you";
}

// ---- gallery and comparison

function remember(more) {
  for (const image of more) images.set(image.uri, { ...images.get(image.uri), ...image });
  showGallery();
}

function showGallery() {
  const picked = new Set([...$("gallery").querySelectorAll("input:checked")].map((box) => box.value));
  $("gallery-empty").hidden = images.size > 0;
  const known = new Set([...images.values()].map((image) => image.id));
  $("gallery").replaceChildren(...[...images.values()].map((image) => {
    const caption = make("small", {}, image.score == null ? "not judged" : `score ${image.score.toFixed(2)}`, `, seed ${image.seed}`);
    if (image.parent && known.has(image.parent)) {
      caption.append(", redraw of ", make("a", { href: `#gallery-${image.parent}`, text: image.parent }));
    }
    if (image.references.length) caption.append(`, with ${image.references.join(", ")}`);
    return make("li", { class: `card${image.best ? " best" : ""}`, id: `gallery-${image.id}` },
      make("h3", { text: image.best ? `${image.id}, best of its turn` : image.id }),
      make("img", { src: image.uri, alt: words(image), width: 128, height: 128, loading: "lazy" }),
      caption,
      make("div", { class: "actions" },
        make("label", { class: "check" }, make("input", { type: "checkbox", value: image.uri, checked: picked.has(image.uri), on: { change: countPicked }, }), ` compare ${image.id}`),
        make("button", { type: "button", text: `Go on from ${image.id}`, on: { click: () => goOnFrom(image) } })));
  }));
  countPicked();
}

const pickedImages = () => [...$("gallery").querySelectorAll("input:checked")].map((box) => images.get(box.value));

function countPicked() { $("compare").disabled = pickedImages().length !== 2; }

function goOnFrom(image) {
  $("prompt").value = `go back to ${image.id} and `;
  $("prompt").focus();
}

function compare() {
  $("pair").replaceChildren(...pickedImages().map((image) => make("section", { "aria-label": image.id },
    make("h3", { text: image.id }), make("img", { src: image.uri, alt: words(image) }),
    make("p", { text: image.prompt }), make("p", { class: "soft", text: `${words(image)}; ${origin(image)}` }))));
  $("comparison").showModal();
}

// ---- conversations

async function refreshThreads() {
  const list = await ask("/web/threads");
  $("threads").replaceChildren(make("option", { value: "", text: "new" }),
    ...list.threads.map((one) => make("option", { value: one.thread, text: one.title, selected: one.thread === thread })));
  $("threads").value = thread;
  history.replaceState(null, "", thread ? `#${thread}` : location.pathname);
}

async function open(name) {
  running?.source.close();
  running = null;
  thread = name;
  images = new Map();
  $("log").replaceChildren();
  $("welcome").hidden = Boolean(name);
  $("composer").querySelector("button.main").disabled = false;
  showGallery();
  if (name) {
    const told = await ask(`/web/threads/${encodeURIComponent(name)}`);
    for (const turn of told.turns) {
      addAsked(turn.request, turn.pictures);
      const run = addRun();
      for (const event of turn.events) onEvent(run, event);
      showEnd(run, turn.run);
    }
    for (const active of told.running) {
      if (active.request) addAsked(active.request);
      $("composer").querySelector("button.main").disabled = true;
      follow(addRun(), active.run_id);
    }
    say(`conversation with ${told.turns.length} turns opened`);
  }
  await refreshThreads();
}

// ---- controls

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const prompt = $("prompt").value.trim();
  if (!prompt || running) return;
  $("prompt").value = "";
  $("settings").open = false;
  draw(prompt);
});

$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
});

$("pictures").addEventListener("change", async () => {
  for (const file of $("pictures").files) {
    const form = new FormData();
    form.append("file", file);
    form.append("purpose", "vision");
    try {
      const sent = await ask("/v1/files", { method: "POST", body: form });
      const one = { id: sent.id, url: `/images/${sent.id.replace("file-", "")}.png` };
      attached.push(one);
      const item = make("li", {}, make("img", { src: one.url, alt: `picture of yours: ${file.name}` }),
        make("button", { type: "button", text: "Remove", "aria-label": `Remove ${file.name}`, on: { click: () => {
          attached = attached.filter((other) => other !== one);
          item.remove();
        } } }));
      $("attached").append(item);
      say(`${file.name} added`);
    } catch (error) {
      say(error.message);
      alert(error.message);
    }
  }
  $("pictures").value = "";
});

$("new").addEventListener("click", () => { open("").then(() => $("prompt").focus()); });
$("threads").addEventListener("change", () => open($("threads").value));
$("compare").addEventListener("click", compare);

open(decodeURIComponent(location.hash.slice(1)));
