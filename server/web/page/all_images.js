// The images of all conversations: by the words asked for, by what can be seen, and by likeness to one of them.

import { $, button, make, quoted } from "/page/dom.js";
import { ask } from "/page/api.js";
import { copyButton, downloadLink, enlargeable } from "/page/lightbox.js";

const PAGE = 24;
let like = null; // {id, name}
let asked = 0; // counts the searches: answers to earlier ones come too late
let shown = 0;

const idOf = (uri) => uri.match(/images\/([0-9a-f]+)/)[1];

export function showLike(uri, name) {
  like = { id: idOf(uri), name };
  $("all-search").value = "";
  $("all").open = true;
  search();
  $("all").scrollIntoView({ block: "start" });
  $("all-like-off").focus();
}

function query(offset) {
  const words = $("all-search").value.trim();
  const wanted = like ? { like: like.id } : words ? { [$("all-by").value]: words } : {};
  return new URLSearchParams({ ...wanted, offset, limit: PAGE });
}

async function search(more = false) {
  if (!$("all").open) return;
  const mine = ++asked;
  if (!more) shown = 0;
  $("all-like").hidden = !like;
  $("all-like").firstElementChild.textContent = like ? `Most like ${like.name} first.` : "";
  try {
    const found = await ask(`/web/images?${query(shown)}`);
    if (mine !== asked) return;
    if (!more) $("all-images").replaceChildren();
    $("all-images").append(...found.images.map(card));
    shown += found.images.length;
    $("all-more").hidden = !found.more;
    tell(found);
    // Each search looks at some more images; the next one may find among those.
    if (found.not_seen && !more) setTimeout(() => { if (mine === asked) search(); }, 100);
  } catch (error) {
    if (mine === asked) $("all-told").textContent = error.message;
  }
}

function tell(found) {
  const words = $("all-search").value.trim();
  const none = words && !like ? `None: ${JSON.stringify(words)} stands in no request.` : like ? "None: there is no other image." : "None yet.";
  const parts = [shown ? `${shown} of ${shown + found.more}` : none];
  // All are listed, since no floor is fitted for what people have drawn: the look-up's is for the pictures that it looks up.
  const unsure = words && !like ? `, whether or not they show ${quoted(words)}` : "";
  if (found.images.some((one) => one.similarity != null)) parts.push(`most alike first, by CLIP${unsure}`);
  if (found.not_seen) parts.push(`${found.not_seen} not looked at yet`);
  $("all-told").textContent = parts.join("; ");
}

function card(image) {
  const name = `${image.id} of ${image.title.slice(0, 40)}`;
  const near = image.similarity == null ? "" : `, similarity ${image.similarity.toFixed(2)}`;
  return make("li", {},
    enlargeable(image.uri, name, image.title, { width: 88, height: 88 }, `${image.title}${near}`),
    make("a", { href: `#${image.thread}`, text: image.title.slice(0, 40) || image.id, "aria-label": `Open the conversation of ${name}` }),
    near ? make("small", { text: near.slice(2) }) : null,
    make("div", { class: "actions" },
      copyButton(image.uri, name), downloadLink(image.uri, name),
      button("Like this", () => showLike(image.uri, name), { "aria-label": `More images like ${name}` })));
}

let pause = null;
$("all").addEventListener("toggle", () => search());
$("all-search").addEventListener("input", () => { like = null; clearTimeout(pause); pause = setTimeout(search, 150); });
$("all-by").addEventListener("change", () => { like = null; search(); });
$("all-more").addEventListener("click", () => search(true));
$("all-like-off").addEventListener("click", () => { like = null; search(); $("all-search").focus(); });
