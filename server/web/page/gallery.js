// The images of the conversation, and two of them side by side.

import { $, button, make } from "/page/dom.js";
import { showLike } from "/page/all_images.js";
import { copyButton, downloadLink, enlargeable } from "/page/lightbox.js";

let images = new Map(); // by address

export function words(image) {
  const score = image.score == null ? "not judged" : `score ${image.score.toFixed(2)}`;
  const missing = image.missing.length ? `, missing: ${image.missing.join(", ")}` : "";
  return `${image.id}: ${image.prompt}; ${score}${missing}`;
}

export function origin(image) {
  const parts = [`seed ${image.seed}`];
  if (image.parent) parts.push(`redraw of ${image.parent}`);
  if (image.references.length) parts.push(`with ${image.references.join(", ")} at scale ${image.reference_scale}`);
  return parts.join(", ");
}

export function goOnFrom(image) {
  showGallery(false);
  const written = $("prompt").value.replace(/^go back to image-\d+ and /, "");
  $("prompt").value = `go back to ${image.id} and ${written}`;
  $("prompt").dispatchEvent(new Event("input")); // it is part of the draft
  $("prompt").focus();
}

export function forget() { images = new Map(); show(); }

export function remember(more) {
  for (const image of more) images.set(image.uri, { ...images.get(image.uri), ...image });
  if (more.length) show();
}

function show() {
  const picked = new Set(pickedImages().map((image) => image.uri));
  $("gallery-empty").hidden = images.size > 0;
  $("gallery-toggle").textContent = images.size ? `Gallery (${images.size})` : "Gallery";
  const known = new Set([...images.values()].map((image) => image.id));
  $("gallery").replaceChildren(...[...images.values()].map((image) => {
    const caption = make("small", {}, image.score == null ? "not judged" : `score ${image.score.toFixed(2)}`, `, seed ${image.seed}`);
    if (image.parent && known.has(image.parent)) {
      const parent = () => { const card = $(`gallery-${image.parent}`); card.scrollIntoView({ block: "nearest" }); card.focus(); };
      caption.append(", redraw of ", button(image.parent, parent, { class: "link" }));
    }
    if (image.references.length) caption.append(`, with ${image.references.join(", ")}`);
    return make("li", { class: `card${image.best ? " best" : ""}`, id: `gallery-${image.id}`, tabIndex: -1 },
      make("h3", { text: image.best ? `${image.id}, best of its turn` : image.id }),
      enlargeable(image.uri, image.id, words(image), { width: 128, height: 128 }),
      caption,
      make("div", { class: "actions" },
        make("label", { class: "check" }, make("input", { type: "checkbox", value: image.uri, checked: picked.has(image.uri), on: { change: countPicked } }), ` compare ${image.id}`),
        copyButton(image.uri, image.id),
        downloadLink(image.uri, image.id),
        button(`Go on from ${image.id}`, () => goOnFrom(image)),
        button("More like this", () => showLike(image.uri, image.id), { "aria-label": `More images like ${image.id}` })));
  }));
  countPicked();
}

const pickedImages = () => [...$("gallery").querySelectorAll("input:checked")].map((box) => images.get(box.value)).filter(Boolean);

function countPicked() { $("compare").disabled = pickedImages().length !== 2; }

$("compare").addEventListener("click", () => {
  $("pair").replaceChildren(...pickedImages().map((image) => make("section", { "aria-label": image.id },
    make("h3", { text: image.id }), make("img", { src: image.uri, alt: words(image) }),
    make("p", { text: image.prompt }), make("p", { class: "soft", text: `${words(image)}; ${origin(image)}` }))));
  $("comparison").showModal();
});

// Where the page is narrow, the gallery takes the place of the conversation while it is open.
export function showGallery(open) {
  document.body.classList.toggle("gallery-open", open);
  $("gallery-toggle").setAttribute("aria-pressed", String(open));
}
export const toggleGallery = () => showGallery(!document.body.classList.contains("gallery-open"));
$("gallery-toggle").addEventListener("click", toggleGallery);
