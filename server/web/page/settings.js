// The settings of the next drawings: kept by the browser, the parts that draw and judge for each conversation by itself.

import { $, cut, kept, make, quoted } from "/page/dom.js";

const PARTS = ["profile", "generator", "critic"];
const FIELDS = ["size", "negative", "seed", "n", "max_generations", "max_seconds", "max_steps", "max_tokens", "max_money", "mode", "approve"];
const NAMES = { size: "size", negative: "without", seed: "seed", n: "candidates", max_generations: "drawings at most", max_seconds: "seconds at most",
  max_steps: "decisions at most", max_tokens: "tokens at most", max_money: "US dollars at most", mode: "mode", profile: "profile", generator: "drawn with", critic: "judged by" };
const ALL = [...FIELDS, ...PARTS];
let thread = "";
let offers = {};
let sizes = null; // {sides, parts}: of pixels, and of an aspect ratio, the least and the most
let longest = Infinity; // characters of what must not be shown that the server takes

const value = (id) => {
  const text = $(id).value.trim();
  return text === "" ? null : $(id).type === "number" ? Number(text) : text;
};

export function settings() {
  const sent = Object.fromEntries(ALL.filter((id) => id !== "approve").map((id) => [id, value(id)]));
  for (const id of ["size", ...PARTS]) sent[id] ??= "";
  // A conversation keeps what it must not show: taking that away has to be said.
  if (sent.negative == null && kept.get(`negative.${thread}`, "")) sent.negative = "";
  return { ...sent, approve: $("approve").checked };
}

export function settingsSent(name, sent) {
  if (sent.negative != null) kept.set(`negative.${name}`, sent.negative || null);
}

// Another conversation is open: it has parts of its own.
export function settingsOf(name) {
  thread = name;
  const parts = kept.get(`parts.${name}`, {});
  for (const id of PARTS) $(id).value = offers[id]?.includes(parts[id]) ? parts[id] : "";
  if (name === "") $("profile").disabled = false;
  tell();
}

// The new conversation has got its name.
export function settingsNamed(name) {
  kept.set(`parts.${thread}`, null);
  thread = name;
  tell();
}

// What the last turn of the conversation was made with, as the server tells it.
export function madeWith(run) {
  $("profile").disabled = true; // a conversation keeps its profile
  if (run.generator) $("engines").textContent = `This conversation: ${parts(run)}.`;
}

export const parts = (run) => (run.generator ? `drawn with ${run.generator}, judged by ${run.critic}, profile ${run.profile}` : "");

// What the server lets its clients choose; the first of each is its own.
export function offered(server) {
  offers = server.offers;
  sizes = server.sizes;
  longest = server.negative;
  for (const id of PARTS) {
    const [own, ...others] = offers[id];
    const first = make("option", { value: "", text: own ? `as before, or else ${own}` : "as the server is set" });
    $(id).replaceChildren(first, ...(others.length ? offers[id] : []).map((name) => make("option", { value: name, text: name })));
    $(id).parentElement.hidden = !others.length;
  }
  const own = Object.fromEntries(PARTS.map((id) => [id, offers[id][0]]));
  const choice = PARTS.some((id) => offers[id].length > 1) ? "" : " It offers no others.";
  $("engines").textContent ||= `The server: ${parts(own)}.${choice}`;
  settingsOf(thread);
}

const shown = (id) => id !== "approve" && $(id).value.trim() && !$(id).disabled;

function tell() {
  kept.set("settings", Object.fromEntries(FIELDS.map((id) => [id, id === "approve" ? $(id).checked : $(id).value])));
  const chosen = Object.fromEntries(PARTS.filter((id) => $(id).value).map((id) => [id, $(id).value]));
  if (offers.profile) kept.set(`parts.${thread}`, Object.keys(chosen).length ? chosen : null);
  const told = ALL.filter(shown).map((id) => `${NAMES[id]} ${cut($(id).value.trim())}`);
  if ($("approve").checked) told.push("asks before a redraw");
  const wrong = invalid();
  $("settings-told").textContent = wrong ? wrong : told.join(", ");
  $("settings-told").className = wrong ? "bad" : "soft";
}

// The pattern tells what is written as a size; these are those that the server draws.
function checkSize() {
  const [, width, sign, height] = $("size").value.match(/(\d+)([xX:])(\d+)/) ?? [];
  const [least, most] = (sign === ":" ? sizes?.parts : sizes?.sides) ?? [0, Infinity];
  const fits = sign == null || [width, height].every((part) => least <= Number(part) && Number(part) <= most);
  $("size").setCustomValidity(fits ? "" : `${sign === ":" ? "The parts of an aspect ratio" : "The sides"} have to be ${least} to ${most}.`);
}

// A field with a length of its own would cut off what is pasted, and say nothing.
function checkNegative() {
  const long = [...$("negative").value.trim()].length; // as the server counts them
  $("negative").setCustomValidity(long > longest ? `It has ${long} characters; shorten it to at most ${longest}.` : "");
}

// What is wrong with the settings, in words; empty if nothing is.
export function invalid() {
  checkSize();
  checkNegative();
  const field = FIELDS.map($).find((one) => !one.checkValidity());
  const given = field?.value ? ` ${quoted(field.value)}` : ""; // what is no number at all has no value
  return field ? `${field.labels[0].firstChild.textContent.trim()}${given}: ${field.validationMessage}${field.title ? ` (${field.title})` : ""}` : "";
}

export function openSettings() {
  $("settings").showModal();
  FIELDS.map($).find((one) => !one.checkValidity())?.focus();
}

for (const [id, before] of Object.entries(kept.get("settings", {}))) {
  if (id === "approve") $(id).checked = before;
  else if (FIELDS.includes(id)) $(id).value = before;
}
ALL.forEach((id) => $(id).addEventListener("input", tell));
tell();
$("settings-open").addEventListener("click", openSettings);
$("settings-clear").addEventListener("click", () => {
  for (const id of ALL) if (id === "approve") $(id).checked = false; else if (!$(id).disabled) $(id).value = "";
  tell();
});
