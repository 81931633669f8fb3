// What the staff does with the articles: read them and their versions, see what is wrong and what is missing, try one out.

import { Keys } from "../console/keys.js";
import { Session } from "../console/session.js";
import { byId, element } from "../elements.js";
import { Drafts } from "../review/drafts.js";
import { readAddress, TAB } from "./address.js";
import { articleList, articlePage } from "./articles.js";
import { findingLines } from "./findings.js";
import { gapLines, wholeGap } from "./gaps.js";
import { tryingPage } from "./trying.js";

const session = new Session({ onOut: clear });
const drafts = new Drafts(session.memory);
const view = byId("view");
const told = byId("told");

let asked = 0;

/** Asks for something and says what came of it, unless something else was asked for meanwhile. */
async function look(request, render) {
  const mine = ++asked;
  told.textContent = "Looking …";
  try {
    const answer = await request();
    if (mine === asked) told.textContent = (await render(answer)) ?? "";
  } catch (error) {
    if (mine === asked) told.textContent = error.sentences ?? "Something went wrong.";
  }
}

const desk = { session, look, goTo };

const VIEWS = {
  articles: () => { view.replaceChildren(...articleList(desk)); },
  article: ({ id, version }) => look(() => articlePage(desk, id, version), shown),
  check: () => look(() => session.call("/v1/knowledge/check"), ({ findings }) => {
    shown([element("ol.found", { id: "found" }, findingLines(findings))]);
    return findings.length === 0 ? "Nothing to look at." : `${findings.length} to look at`;
  }),
  gaps: () => look(() => session.call("/v1/knowledge/gaps"), ({ items }) => {
    shown([element("ol.found", { id: "found" }, gapLines(items))]);
    return items.length === 0 ? "No question is open." : `${items.length} open`;
  }),
  gap: ({ id }) => look(() => session.call(`/v1/knowledge/gaps/${id}`), (gap) => {
    const decide = session.may("knowledge.write") ? { send: (...words) => send(gap.id, ...words), drafts } : null;
    shown([element("p", {}, element("a", { href: "#gaps" }, "All of them")), element("ol.found", { id: "found" }, wholeGap(gap, decide))]);
  }),
  try: () => { view.replaceChildren(...tryingPage(desk)); },
};

function shown(nodes) {
  view.replaceChildren(...nodes);
}

/** A decision on a gap, and then what is left of the list. */
async function send(id, action, body, done) {
  try {
    await session.call(`/v1/knowledge/gaps/${id}/${action}`, { method: "POST", body });
  } catch (error) {
    told.textContent = error.sentences ?? "Something went wrong.";
    return;
  }
  drafts.remove(`gap.${id}`);
  await goTo("#gaps");
  told.prepend(`${done} `);
}

/** Opens an address without adding to the history: going back shall not lead to what was just decided. */
function goTo(hash) {
  history.replaceState(null, "", hash);
  return open();
}

function open() {
  if (session.over) return null;
  asked += 1;
  const address = readAddress();
  const tab = TAB[address.view] ?? address.view;
  for (const link of document.querySelectorAll(".tabs a")) {
    if (link.hash === `#${tab}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  view.replaceChildren();
  told.textContent = "";
  return VIEWS[address.view](address);
}

function clear() {
  asked += 1;
  view.replaceChildren();
  told.textContent = "";
}

const tab = (name) => () => { document.querySelector(`.tabs a[href="#${name}"]`)?.click(); };
new Keys({
  "/": () => { (byId("text") ?? tab("articles")())?.focus(); },
  1: tab("articles"),
  2: tab("check"),
  3: tab("gaps"),
  4: tab("try"),
}, session.memory);
addEventListener("hashchange", open);
open();
