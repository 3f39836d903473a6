// What the modules of the page share: elements, the line that screen readers hear, and what the browser keeps.
// All text of people, models and libraries goes in as textContent, never as HTML.

export const $ = (id) => document.getElementById(id);

export function make(tag, options = {}, ...children) {
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

export const button = (text, click, options = {}) => make("button", { type: "button", text, on: { click }, ...options });

export function say(text) { $("status").textContent = text; }

const MOST_QUOTED = 80; // signs: what is told stays short beside what it tells of

export const cut = (text) => (text.length > MOST_QUOTED ? `${text.slice(0, MOST_QUOTED - 1)}…` : text);
export const quoted = (text) => JSON.stringify(cut(text));

// A notice above the turns, in view wherever they are scrolled to; an empty one takes it away.
export function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
  if (text) say(text);
}

// A browser that keeps nothing (private windows, a full disk) loses no more than what is kept here.
const keeping = (store) => ({
  get(name, otherwise) {
    try { return JSON.parse(store().getItem(`imagerag.${name}`)) ?? otherwise; } catch { return otherwise; }
  },
  set(name, value) {
    try {
      if (value == null) store().removeItem(`imagerag.${name}`);
      else store().setItem(`imagerag.${name}`, JSON.stringify(value));
    } catch (error) { console.warn("the browser keeps no drafts:", error.message); }
  },
  names() {
    try { return Object.keys(store()).filter((key) => key.startsWith("imagerag.")).map((key) => key.slice(9)); } catch { return []; }
  },
});

export const kept = keeping(() => localStorage); // of all tabs: settings, and what closed ones have left
export const keptInTab = keeping(() => sessionStorage); // drafts, over reloads
