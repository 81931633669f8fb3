// The list of conversations: what was typed goes in a body, filters stand in the address behind the hash, and what is
// rare is looked for page after page until some lines are there.

import { Keys } from "../console/keys.js";
import { Session } from "../console/session.js";
import { byId, element } from "../elements.js";
import { shortTime } from "../moments.js";
import { languageName } from "../review/words.js";
import { keepSearch, lastSearch } from "./handoff.js";
import { caseLine } from "./parts.js";

const ENOUGH = 20;
const PATIENCE = 6_000;
const LANGUAGES = ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "uk", "ar", "ja", "zh"];
const NAMES = ["state", "channel", "owner", "topic", "language", "since", "until"];
const KINDS = {
  address: "Customers with this address, and what they wrote.",
  id: "What has this id.",
  topic: "What is about this topic.",
  name: "What customers of this name wrote.",
  words: "Messages with all of these words.",
};

const session = new Session({ onOut: clear });
const text = byId("text");
const filters = byId("filters");
let asked = 0;
let after = null;
let by = null;
let shown = new Set();

/** Looks anew, or goes on where the last look ended. */
async function look({ on = false } = {}) {
  const mine = ++asked;
  if (!on) {
    after = null;
    shown = new Set();
    byId("rows").replaceChildren();
    byId("customers").replaceChildren();
  }
  byId("further").hidden = true;
  say("Looking …");
  const until = Date.now() + PATIENCE;
  const before = shown.size;
  let page = null;
  try {
    do {
      page = await ask();
      if (mine !== asked || session.over) return;
      draw(page);
      after = page.after;
    } while (after !== null && shown.size - before < ENOUGH && Date.now() < until);
  } catch (error) {
    if (mine === asked && !session.over) say(error.sentences ?? "Something went wrong.", again());
    return;
  }
  byId("further").hidden = after === null;
  tell(page);
}

function ask() {
  const wanted = { ...given(), ...(after === null ? {} : { after }) };
  const typed = text.value.trim();
  if (typed) return session.call("/v1/conversations/search", { method: "POST", body: { ...wanted, text: typed, ...(by ? { by } : {}) } });
  return session.call(`/v1/conversations?${new URLSearchParams(wanted)}`);
}

function given() {
  const { owner, since, until, ...plain } = Object.fromEntries(NAMES.map((name) => [name, byId(name).value]));
  const wanted = Object.fromEntries(Object.entries(plain).filter(([, value]) => value));
  if (owner) wanted.owner = owner === "me" ? "human" : owner;
  if (owner === "me") wanted.person = session.name;
  if (since) wanted.since = new Date(`${since}T00:00`).toISOString();
  if (until) {
    const end = new Date(`${until}T00:00`);
    end.setDate(end.getDate() + 1);
    wanted.until = end.toISOString();
  }
  return wanted;
}

function draw({ items, customers }) {
  const words = text.value.trim().split(/\s+/).filter(Boolean);
  const fresh = items.filter((item) => !shown.has(item.case_id));
  for (const item of fresh) shown.add(item.case_id);
  byId("rows").append(...fresh.map((item) => caseLine(item, words)));
  if (customers.length && !byId("customers").firstChild) {
    const links = customers.map(({ id, name }) => element("li", {}, element("a", { href: `/customers/${id}`, dir: "auto" }, name ?? "No name")));
    byId("customers").append(element("h2", {}, customers.length === 1 ? "Customer" : "Customers"), element("ul.named", {}, links));
  }
}

function tell({ kind, behind_since: behind }) {
  const parts = [];
  if (shown.size === 0) parts.push(after === null ? nothing() : "Nothing so far.");
  else if (KINDS[kind]) parts.push(KINDS[kind]);
  if (behind) parts.push(` Words of what came in since ${shortTime(new Date(behind))} can’t be found yet.`);
  if (kind !== "words" && kind !== "list") parts.push(instead("words", "Search by words instead"));
  if (kind === "words") parts.push(instead("name", "Search by name only"));
  say(...parts);
  byId("go-on").textContent = shown.size === 0 ? "Look further back" : "Show more";
}

function nothing() {
  return text.value.trim() ? "Nothing was found." : "There are no such conversations.";
}

function instead(kind, label) {
  return element("button.link.small", { type: "button", onclick: () => { by = kind; keepSearch(session.memory, text.value.trim(), by); look(); } }, label);
}

function again() {
  return element("button.link.small", { type: "button", onclick: () => look() }, "Try again");
}

function say(...parts) {
  byId("told").replaceChildren(...parts.filter(Boolean));
}

function clear() {
  asked += 1;
  text.value = "";
  byId("rows").replaceChildren();
  byId("customers").replaceChildren();
  say();
}

/** What the address says, into the filters. */
async function readFilters() {
  const told = new URLSearchParams(location.hash.slice(1));
  if (told.get("topic")) await topics();
  for (const name of NAMES) byId(name).value = told.get(name) ?? "";
  count();
}

function writeFilters() {
  const told = new URLSearchParams(NAMES.map((name) => [name, byId(name).value]).filter(([, value]) => value));
  history.replaceState(null, "", told.size ? `#${told}` : location.pathname);
  count();
  look();
}

function count() {
  const on = NAMES.filter((name) => byId(name).value).length;
  byId("filters-on").textContent = on ? `(${on} on)` : "";
  if (on) byId("more").open = true;
}

let topicsRead = null;

function topics() {
  topicsRead ??= session.call("/v1/conversations/topics").then(({ items }) => {
    byId("topic").append(...items.map((topic) => element("option", { value: topic }, topic)));
  }).catch(() => { topicsRead = null; });
  return topicsRead;
}

function move(step) {
  const links = [...document.querySelectorAll(".found-row")];
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}

byId("language").append(...LANGUAGES.map((code) => element("option", { value: code }, languageName(code))));
byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  by = null;
  keepSearch(session.memory, text.value.trim());
  look();
});
filters.addEventListener("change", writeFilters);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener("reset", () => setTimeout(writeFilters));
byId("more").addEventListener("toggle", () => { if (byId("more").open) topics(); });
byId("go-on").addEventListener("click", () => look({ on: true }));
addEventListener("hashchange", async () => { await readFilters(); look(); });
new Keys({ "/": () => text.select(), j: () => move(1), k: () => move(-1) }, session.memory);

const last = lastSearch(session.memory);
if (last) {
  text.value = last.text;
  by = last.by;
}
await readFilters();
look();
