// The reviewer's desk: the lists are read again every few seconds, one thing is open at a time, keys do the rest.

import { Keys } from "../console/keys.js";
import { BY_ITSELF, Session } from "../console/session.js";
import { byId } from "../elements.js";
import { tick } from "../moments.js";
import { addressOf, goTo, readAddress } from "./address.js";
import { OpenCase } from "./case.js";
import { Drafts } from "./drafts.js";
import { OpenEscalation } from "./escalation.js";
import { List } from "./list.js";
import { Panes } from "./panes.js";

const REFRESH = 4_000;
const TICK = 10_000;

const session = new Session({ onOut: end });
const drafts = new Drafts(session.memory);
const list = new List();
const panes = new Panes();
const escalation = new OpenEscalation({
  session,
  drafts,
  panes,
  onClaim: async (id) => {
    await refreshAnew();
    return list.find("queue", id);
  },
  onDecided: (action, decided, done) => {
    if (action === "take_over") {
      settleAt(addressOf("case", decided.case_id));
      panes.say(done);
      return;
    }
    leave("queue", decided.id, `${done} ${list.items.queue?.length > 1 ? "Enter opens the next." : ""}`);
  },
});
const openCase = new OpenCase({ session, drafts, panes, onDone: (id, done) => leave("cases", id, done) });

let refreshing = null;
let epoch = 0;
let timer = 0;

function begin() {
  follow();
  clearInterval(timer);
  timer = setInterval(() => { if (!document.hidden) refresh(); }, REFRESH);
  refresh();
}

/** Signed out: nothing of anybody's stays on the page. The address does, to come back to. */
function end() {
  clearInterval(timer);
  escalation.close();
  openCase.close();
  panes.empty("");
  list.take("queue", []);
  list.take("cases", []);
  list.items = { queue: null, cases: null };
}

/** Reads both lists; requests never pile up on a slow network. */
function refresh() {
  refreshing ??= readLists().finally(() => { refreshing = null; });
  return refreshing;
}

/** After something was done here: what was asked before it is out of date, and dropped when it comes. */
async function refreshAnew() {
  epoch += 1;
  await refreshing;
  await refresh();
}

async function readLists() {
  if (session.over) return;
  const asked = epoch;
  try {
    const [queue, cases] = await Promise.all([session.call("/escalations?limit=200", BY_ITSELF), session.call("/cases?limit=200", BY_ITSELF)]);
    if (asked !== epoch) return;
    list.fresh();
    list.take("queue", queue.items);
    list.take("cases", cases.items);
  } catch (error) {
    if (!session.over) list.failed(error.sentences ?? "The list could not be read.");
    return;
  }
  document.title = list.items.queue.length ? `(${list.items.queue.length}) Review` : "Review";
  if (escalation.detail) escalation.follow(list.find("queue", escalation.detail.id));
  if (openCase.detail) openCase.follow(list.find("cases", openCase.detail.id));
}

/** Shows what the address says. */
function follow({ until } = {}) {
  if (session.over) return;
  const { list: shown, kind, id } = readAddress();
  list.show(shown, id);
  if (kind === "escalation") {
    openCase.close();
    escalation.open(id);
  } else if (kind === "case") {
    escalation.close();
    openCase.open(id, { until });
  } else {
    escalation.close();
    openCase.close();
    panes.empty("Open something from the list: j and k move, Enter opens.");
    panes.switchTo("list");
  }
}

/** A decision is applied within moments: the case is read until it is the reviewer's. */
function settleAt(hash) {
  history.replaceState(null, "", hash);
  follow({ until: (detail) => detail.owner === "human" });
  refreshAnew();
}

/** Back to the list, on the row after the one that is done. */
function leave(name, id, done) {
  goTo(`#${name}`);
  panes.say(done);
  list.focusAfter(id);
  list.take(name, (list.items[name] ?? []).filter((item) => item.id !== id));
  refreshAnew();
}

const press = (action) => () => { if (escalation.detail && session.may("review")) escalation.bar.press(action); };
const act = (action) => { if (session.may("review")) openCase.act(action); };

new Keys(
  {
    j: () => { panes.switchTo("list"); list.move(1); },
    k: () => { panes.switchTo("list"); list.move(-1); },
    "/": () => { panes.switchTo("list"); list.search.focus(); },
    c: () => { if (session.may("review")) escalation.claim(); },
    a: press("approve"),
    e: press("edit"),
    r: press("answer"),
    x: press("reject"),
    t: () => { if (openCase.detail) act("take-over"); else press("take_over")(); },
    h: () => act("hand-back"),
  },
  session.memory,
);

addEventListener("hashchange", () => { panes.say(""); follow(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && !session.over) { tick(); refresh(); } });
addEventListener("online", () => { if (!session.over) refresh(); });
setInterval(tick, TICK);
byId("rows").addEventListener("click", (event) => {
  // The row that is open already: show it again instead of doing nothing.
  const row = event.target.closest("a");
  if (row && row.getAttribute("href") === location.hash) panes.switchTo("talk");
});

begin();
