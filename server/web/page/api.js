// Requests to the server, and what is told while it can't be reached.

import { $, say } from "/page/dom.js";

const LOOK_AGAIN = 2000; // ms between two looks at a server that can't be reached
let waiting = null;
let onBack = () => {};

export function whenBack(listener) { onBack = listener; }

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    lost();
    throw new Error("the server can't be reached; nothing was sent");
  }
  if (answer.status === 401) { location.assign("/login"); throw new Error("no token"); }
  const body = await answer.json().catch(() => ({ error: { message: `the server answered ${answer.status} with something that is not JSON` } }));
  if (!answer.ok) throw Object.assign(new Error(body.error.message), { status: answer.status });
  return body;
}

export const send = (method, path, body) =>
  ask(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
export const post = (path, body) => send("POST", path, body);

// Tell that the server can't be reached, and look until it can.
export function lost() {
  if (waiting) return;
  $("lost").textContent = "The server can't be reached. The page tries again by itself; what you type is kept.";
  $("lost").hidden = false;
  waiting = setInterval(async () => {
    if (await answers() && waiting) onBack();
  }, LOOK_AGAIN);
}

export const isLost = () => waiting !== null;

export const answers = async () => Boolean((await fetch("/health").catch(() => null))?.ok);

export function found() {
  if (!waiting) return;
  clearInterval(waiting);
  waiting = null;
  $("lost").hidden = true;
  say("the server is back");
}
