// The customer's page: one conversation, remembered on this device until it is forgotten on purpose.
//
// The token lies in localStorage because an answer by a person may take a working day, longer than a tab lives. What is
// unfinished lies in sessionStorage, so that two tabs never send each other's messages.

import { byId } from "../elements.js";
import { Memory } from "../memory.js";
import { Composer } from "./composer.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { Title } from "./title.js";

const PREFIX = "support.chat.";
const device = new Memory("localStorage", PREFIX);
const tab = new Memory("sessionStorage", PREFIX);

const title = new Title();
const log = new Log(byId("log"), byId("latest"), {
  retry: (entry) => outbox.retry(entry),
  rewrite: (entry) => {
    outbox.remove(entry);
    log.drop(entry);
    composer.restore(entry.text);
    showEmpty();
  },
});
const composer = new Composer({
  memory: tab,
  onSend: (text, who) => {
    outbox.add(text, who);
    composer.askWho(false);
    showEmpty();
  },
});
const outbox = new Outbox({
  memory: tab,
  token: () => device.get("token"),
  onChange: (entry) => log.show(entry),
  onSent: (entry, answer) => {
    log.confirm(entry, answer.message_id);
    if (device.get("token") === null) {
      device.set("token", answer.conversation_token);
      open();
    }
  },
  onGone: () => showGone(),
});

let live = null;
let loading = false;

/** Follows the conversation of the token, if there is one. */
function open() {
  const token = device.get("token");
  composer.askWho(token === null && outbox.entries.length === 0);
  byId("fresh").hidden = token === null;
  live?.stop();
  live = null;
  showActivity("idle");
  if (token === null) return showEmpty();
  live = new Live({ token, onMessage, onActivity: showActivity, onState: showState });
  return live.run();
}

function onMessage(message) {
  log.add(message);
  if (message.author !== "customer" && !loading) title.count();
  showEmpty();
}

function showEmpty() {
  byId("empty").hidden = !log.empty || loading;
}

function showActivity(activity) {
  byId("working").hidden = activity !== "working";
  byId("person").hidden = activity !== "person";
}

function showState(state) {
  const failedToLoad = loading && state === "lost";
  loading = state === "loading" || failedToLoad;
  byId("log").setAttribute("aria-busy", String(loading));
  byId("loading").hidden = state !== "loading" || !log.empty;
  showEmpty();
  if (state === "gone") showGone();
  else if (state === "lost") showLost(failedToLoad && log.empty);
  else if (state === "live") {
    byId("lost").hidden = true;
    outbox.resume();
  }
}

function showLost(nothingShown = false) {
  byId("lost-why").textContent = navigator.onLine ? "The connection was lost." : "You are offline.";
  byId("lost-kept").textContent = nothingShown
    ? "Your conversation appears here as soon as it is back."
    : "What you see and what you write is kept. This page goes on by itself when the connection is back.";
  byId("lost").hidden = false;
}

function showGone() {
  live?.stop();
  byId("lost").hidden = true;
  byId("loading").hidden = true;
  byId("gone").hidden = false;
  showActivity("idle");
}

/** Nothing of the conversation stays on this device; a text that is being written does. */
function forget() {
  device.remove("token");
  outbox.clear();
  log.clear();
  loading = false;
  byId("gone").hidden = true;
  byId("lost").hidden = true;
  open();
  byId("text").focus();
}

const dialog = byId("forget");
byId("fresh").addEventListener("click", () => {
  byId("forget-unsent").hidden = outbox.entries.length === 0;
  dialog.showModal();
});
dialog.addEventListener("close", () => { if (dialog.returnValue === "forget") forget(); });
byId("gone-fresh").addEventListener("click", () => {
  // What was refused with the old conversation is worth asking in the new one.
  outbox.entries.map((entry) => entry.text).reverse().forEach((text) => composer.restore(text));
  forget();
});

addEventListener("offline", () => showLost());
addEventListener("online", () => {
  if (live) live.hurry();
  else byId("lost").hidden = true;
  outbox.resume();
});
addEventListener("storage", (event) => {
  if (event.key !== `${PREFIX}token`) return;
  // Another tab forgot the conversation or began one: this tab shows the same.
  log.clear();
  outbox.entries.forEach((entry) => log.show(entry));
  open();
});

// Without storage the conversation ends with the page, and nothing else is promised.
byId("stay").hidden = !device.lasting;
outbox.entries.forEach((entry) => log.show(entry));
open();
outbox.resume();
byId("chat").hidden = false;
composer.fit();
byId("text").focus({ preventScroll: true });
