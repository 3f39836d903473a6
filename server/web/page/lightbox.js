// One image large, with zoom, copy and download; and the small buttons that every image has.

import { $, button, make, say } from "/page/dom.js";

const STEP = 1.4;
let shown = null;
let paintOn = () => {};

export function whenPainted(listener) { paintOn = listener; }

let scale = 0; // of the image's own pixels; 0 fits it into the view

export async function copyImage(url, name) {
  try {
    if (!navigator.clipboard?.write || !window.ClipboardItem) throw new Error("it copies images only from https: or localhost pages");
    const blob = fetch(url).then((answer) => answer.blob());
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    say(`${name} copied`);
    return "copied";
  } catch (error) {
    say(`this browser did not copy ${name}: ${error.message}; take Download`);
    return `not copied (${error.message}); take Download`;
  }
}

export function copyButton(url, name) {
  const control = button("Copy", async () => {
    control.textContent = await copyImage(url, name);
    setTimeout(() => { control.textContent = "Copy"; }, 3000);
  }, { "aria-label": `Copy ${name}` });
  return control;
}

export const downloadLink = (url, name) =>
  make("a", { class: "button", href: url, download: `${name}.png`, text: "Download", "aria-label": `Download ${name}` });

// An image that enlarges itself when it is pressed.
export function enlargeable(url, name, alt, size, caption = alt) {
  return make("button", { type: "button", class: "enlarge", "aria-label": `Enlarge ${name}`, on: { click: () => enlarge(url, name, alt, caption) } },
    make("img", { src: url, alt, loading: "lazy", ...size }));
}

export function enlarge(url, name, alt, caption) {
  shown = { url, name };
  $("lightbox-title").textContent = name;
  $("lightbox-image").src = url;
  $("lightbox-image").alt = alt;
  $("lightbox-download").href = url;
  $("lightbox-download").download = `${name}.png`;
  $("lightbox-told").textContent = caption;
  zoom(0);
  $("lightbox").showModal();
  $("lightbox-view").focus();
}

function zoom(to) {
  const image = $("lightbox-image");
  scale = to && Math.min(16, Math.max(0.1, to));
  image.classList.toggle("fit", !scale);
  image.style.width = scale ? `${Math.round(image.naturalWidth * scale)}px` : "";
}

const larger = (factor) => zoom((scale || $("lightbox-image").clientWidth / $("lightbox-image").naturalWidth) * factor);

$("zoom-in").addEventListener("click", () => larger(STEP));
$("zoom-out").addEventListener("click", () => larger(1 / STEP));
$("zoom-fit").addEventListener("click", () => zoom(0));
$("lightbox-copy").addEventListener("click", async () => { $("lightbox-told").textContent = await copyImage(shown.url, shown.name); });
$("lightbox-paint").addEventListener("click", () => { $("lightbox").close(); paintOn(shown.url, shown.name); });
$("lightbox-image").addEventListener("click", () => (scale ? zoom(0) : larger(2)));
$("lightbox").addEventListener("keydown", (event) => {
  if (event.key === "+" || event.key === "=") larger(STEP);
  else if (event.key === "-") larger(1 / STEP);
  else if (event.key === "0") zoom(0);
  else return;
  event.preventDefault();
});
$("lightbox-view").addEventListener("wheel", (event) => {
  if (!event.ctrlKey) return; // plain wheels scroll; this is also what a pinch sends
  event.preventDefault();
  larger(event.deltaY < 0 ? STEP : 1 / STEP);
}, { passive: false });
