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

// An image that enlarges itself when it is pressed; of one that was drawn, a part can be redrawn.
export function enlargeable(url, name, alt, size, caption = alt, drawn = true) {
  return make("button", { type: "button", class: "enlarge", "aria-label": `Enlarge ${name}`, on: { click: () => enlarge(url, name, alt, caption, drawn) } },
    make("img", { src: url, alt, loading: "lazy", ...size }));
}

function enlarge(url, name, alt, caption, drawn) {
  shown = { url, name };
  $("lightbox-paint").hidden = !drawn;
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

// The scale at which the image fills the view: as much as the tighter side lets it.
const fitting = () => Math.min($("lightbox-view").clientWidth / $("lightbox-image").naturalWidth, $("lightbox-view").clientHeight / $("lightbox-image").naturalHeight);

// What is in the middle of the view stays there.
function zoom(to) {
  const [image, view] = [$("lightbox-image"), $("lightbox-view")];
  const middle = scale ? [(view.scrollLeft + view.clientWidth / 2) / view.scrollWidth, (view.scrollTop + view.clientHeight / 2) / view.scrollHeight] : [0.5, 0.5];
  scale = to && Math.min(Math.max(16, 8 * fitting()), Math.max(0.1, to));
  image.classList.toggle("fit", !scale);
  view.classList.toggle("zoomed", Boolean(scale));
  image.style.width = scale ? `${Math.round(image.naturalWidth * scale)}px` : "";
  view.scrollLeft = middle[0] * view.scrollWidth - view.clientWidth / 2;
  view.scrollTop = middle[1] * view.scrollHeight - view.clientHeight / 2;
}

const larger = (factor) => zoom((scale || fitting()) * factor);

$("zoom-in").addEventListener("click", () => larger(STEP));
$("zoom-out").addEventListener("click", () => larger(1 / STEP));
$("zoom-fit").addEventListener("click", () => zoom(0));
$("lightbox-copy").addEventListener("click", async () => { $("lightbox-told").textContent = await copyImage(shown.url, shown.name); });
$("lightbox-paint").addEventListener("click", () => { $("lightbox").close(); paintOn(shown.url, shown.name); });
let pulled = null; // where a mouse drags the image from, and how far it got; fingers scroll by themselves
$("lightbox-view").addEventListener("pointerdown", (event) => {
  if (event.pointerType !== "mouse" || event.button || !scale) return;
  pulled = { x: event.clientX, y: event.clientY, left: event.currentTarget.scrollLeft, top: event.currentTarget.scrollTop, far: 0 };
});
window.addEventListener("pointermove", (event) => {
  if (!pulled || !event.buttons) return;
  const [x, y] = [event.clientX - pulled.x, event.clientY - pulled.y];
  pulled.far = Math.max(pulled.far, Math.abs(x) + Math.abs(y));
  $("lightbox-view").scrollTo(pulled.left - x, pulled.top - y);
});
$("lightbox-image").addEventListener("dragstart", (event) => event.preventDefault());
$("lightbox-image").addEventListener("click", () => {
  const dragged = pulled && pulled.far > 4;
  pulled = null;
  if (!dragged) (scale ? zoom(0) : larger(2));
});
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
