// Where to redraw: the part of an image is painted with a mouse, a finger, a pen, or by keyboard.

import { $, say } from "/page/dom.js";
import { attachMask } from "/page/composer.js";

const INK = "rgb(255 0 120)"; // what is marked; the canvas itself is drawn half transparent
const SMALLEST = 1 / 64, LARGEST = 1 / 2; // of the brush, as shares of the image's longer side
let image = null; // {uri, name}
let brush = 1 / 10;
let at = { x: 0.5, y: 0.5 }; // of the keyboard's brush, as shares of the image
let before = null; // where the pointer was

const canvas = () => $("paint-canvas");
const pen = () => canvas().getContext("2d");
const size = () => Math.max(canvas().width, canvas().height) * brush;

export function paint(uri, name) {
  image = { uri, name };
  $("paint-image").src = uri;
  $("paint-image").alt = `${name}, on which is painted`;
  $("paint-title").textContent = `Where to redraw ${name}`;
  $("paint-image").decode().then(() => {
    canvas().width = $("paint-image").naturalWidth;
    canvas().height = $("paint-image").naturalHeight;
    $("paint-view").style.setProperty("--shape", canvas().width / canvas().height);
    at = { x: 0.5, y: 0.5 };
    tell("Nothing is marked yet.");
    if (!$("paint").open) $("paint").showModal();
    cursor();
    canvas().focus();
  }, () => say(`${name} can't be shown`));
}

function tell(text) {
  $("paint-told").textContent = text;
}

// Mark, or with `erase` unmark, from one place to another, both in pixels of the image.
function stroke(from, to) {
  const context = pen();
  context.globalCompositeOperation = $("paint-erase").checked ? "destination-out" : "source-over";
  context.strokeStyle = context.fillStyle = INK;
  context.lineWidth = size();
  context.lineCap = context.lineJoin = "round";
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x + 0.01, to.y); // a line without length is not drawn
  context.stroke();
  tell(`About ${Math.round(marked() * 100)} % of the image is marked.`);
}

// The share of the image that is marked, from a small copy of it.
function marked() {
  const small = document.createElement("canvas");
  small.width = small.height = 64;
  const context = small.getContext("2d");
  context.drawImage(canvas(), 0, 0, 64, 64);
  const pixels = context.getImageData(0, 0, 64, 64).data;
  let count = 0;
  for (let place = 3; place < pixels.length; place += 4) count += pixels[place] > 127;
  return count / (64 * 64);
}

function place(event) {
  const box = canvas().getBoundingClientRect();
  return { x: ((event.clientX - box.left) / box.width) * canvas().width, y: ((event.clientY - box.top) / box.height) * canvas().height };
}

function cursor() {
  const mark = $("paint-cursor");
  const box = canvas();
  const side = Math.max(box.clientWidth, box.clientHeight) * brush;
  mark.style.width = mark.style.height = `${side}px`;
  mark.style.left = `${box.offsetLeft + at.x * box.clientWidth - side / 2}px`;
  mark.style.top = `${box.offsetTop + at.y * box.clientHeight - side / 2}px`;
}

function move(dx, dy, paints) {
  const from = { x: at.x * canvas().width, y: at.y * canvas().height };
  at = { x: Math.min(1, Math.max(0, at.x + dx)), y: Math.min(1, Math.max(0, at.y + dy)) };
  cursor();
  if (paints) stroke(from, { x: at.x * canvas().width, y: at.y * canvas().height });
}

function resize(factor) {
  brush = Math.min(LARGEST, Math.max(SMALLEST, brush * factor));
  $("paint-size").value = Math.round(brush * 100);
  cursor();
}

$("paint-canvas").addEventListener("pointerdown", (event) => {
  if (event.button > 0) return;
  event.preventDefault();
  canvas().focus();
  canvas().setPointerCapture(event.pointerId);
  before = place(event);
  stroke(before, before);
});
$("paint-canvas").addEventListener("pointermove", (event) => {
  const now = place(event);
  at = { x: now.x / canvas().width, y: now.y / canvas().height };
  cursor();
  if (!before) return;
  stroke(before, now);
  before = now;
});
for (const name of ["pointerup", "pointercancel"]) $("paint-canvas").addEventListener(name, () => { before = null; });
$("paint-canvas").addEventListener("keydown", (event) => {
  const by = 1 / 20;
  const ways = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
  if (ways[event.key]) move(...ways[event.key], event.shiftKey);
  else if (event.key === " ") move(0, 0, true);
  else if (event.key === "+" || event.key === "=") resize(1.25);
  else if (event.key === "-") resize(0.8);
  else return;
  event.preventDefault();
});
$("paint-size").addEventListener("input", () => { brush = Number($("paint-size").value) / 100; cursor(); });
$("paint-clear").addEventListener("click", () => { pen().clearRect(0, 0, canvas().width, canvas().height); tell("Nothing is marked."); canvas().focus(); });
$("paint-all").addEventListener("click", () => {
  pen().globalCompositeOperation = "source-over";
  pen().fillStyle = INK;
  pen().fillRect(0, 0, canvas().width, canvas().height);
  tell("All of the image is marked.");
});
window.addEventListener("resize", () => { if ($("paint").open) cursor(); });

$("paint-done").addEventListener("click", async () => {
  if (!marked()) {
    tell("Mark a part first: paint on the image, or press Space where the circle is.");
    return canvas().focus();
  }
  // White is redrawn, black stays.
  const mask = document.createElement("canvas");
  mask.width = canvas().width;
  mask.height = canvas().height;
  const context = mask.getContext("2d");
  context.drawImage(canvas(), 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = "white";
  context.fillRect(0, 0, mask.width, mask.height);
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "black";
  context.fillRect(0, 0, mask.width, mask.height);
  const file = await new Promise((done) => mask.toBlob(done, "image/png"));
  $("paint").close();
  attachMask(image, new File([file], "mask.png", { type: "image/png" }));
});
