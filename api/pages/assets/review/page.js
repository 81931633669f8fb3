// The reviewer's desk: the lists are read again every few seconds, one thing is open at a time, keys do the rest.

import { Keys } from "../console/keys.js";
import { BY_ITSELF, Session } from "../console/session.js";
import { searchAll } from "../conversations/handoff.js";
import { byId } from "../elements.js";
import { tick } from "../moments.js";
import { addressOf, goTo, readAddress } from "./address.js";
import { Beside } from "./beside.js";
import { OpenCase } from "./case.js";
import { Drafts } from "./drafts.js";
import { OpenEscalation } from "./escalation.js";
import { Filters } from "./filters.js";
import { Giving } from "./giving.js";
import { List } from "./list.js";
import { Looking } from "./looking.js";
import { Marking } from "./marking.js";
import { Panes } from "./panes.js";
import { Undo } from "./undo.js";

const REFRESH = 4_000;
const TICK = 10_000;

const session = new Session({ onOut: end });
const drafts = new Drafts(session.memory);
const list = new List();
const panes = new Panes();
const beside = new Beside({ session, drafts });
const looking = new Looking({ session, panes, open: whatIsOpen, onChange: readAgain });
const filters = new Filters(() => refreshAnew());
const marking = new Marking({ session, panes, list, onDone: async () => { await refreshAnew(); await readAgain(); } });
const giving = new Giving({ session, panes, onGiven: async () => { await refreshAnew(); await readAgain(); } });
const escalation = new OpenEscalation({
  session,
  drafts,
  panes,
  beside,
  onClaim: async (id) => {
    await refreshAnew();
    return list.find("queue", id);
  },
  onDecided: (action, decided, { done, seconds, text }) => {
    if (action === "take_over") {
      openCase.awaitWriter(decided.case_id);
      settleAt(addressOf("case", decided.case_id));
      panes.say(done);
      return;
    }
    const next = list.items.queue?.length > 1 ? "Enter opens the most urgent." : "";
    const name = decided.customer.name ?? "Customer without a name";
    leave("queue", decided.id, seconds ? "" : `${done} ${next}`);
    if (!seconds) return;
    undo.offer({
      done: `${name}: ${done} ${next}`,
      seconds,
      path: `/escalations/${decided.id}/decision`,
      onUndone: () => decideAgain(decided.id, action, text),
      onGone: () => { if (!escalation.detail && !openCase.detail) panes.say(`Sent to ${name}. ${next}`); },
    });
  },
});
const undo = new Undo({ session, panes });
const openCase = new OpenCase({
  session,
  drafts,
  panes,
  beside,
  undo,
  onDone: (id, done) => leave("cases", id, done),
  onApplied: () => refreshAnew(),
});

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
  undo.clear();
  panes.empty("");
  list.take("queue", []);
  list.take("cases", []);
  list.take("asked", []);
  list.items = { queue: null, cases: null, asked: null };
  beside.close();
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
    const query = filters.query;
    const paths = [`/escalations?limit=200${query}`, "/cases?limit=200", "/questions?limit=200"];
    const [queue, cases, questions] = await Promise.all(paths.map((path) => session.call(path, BY_ITSELF)));
    if (asked !== epoch) return;
    list.fresh();
    filters.learn(queue.items);
    list.filtered = query !== "";
    list.take("asked", questions.items);
    list.take("queue", queue.items, queue.total);
    list.take("cases", cases.items, cases.total);
  } catch (error) {
    if (!session.over) list.failed(error.sentences ?? "The list could not be read.");
    return;
  }
  document.title = list.totals.queue ? `(${list.totals.queue}) Review` : "Review";
  looking.ask();
  if (escalation.detail && (!list.filtered || list.find("queue", escalation.detail.id))) {
    escalation.follow(list.find("queue", escalation.detail.id));
  }
  if (openCase.detail) openCase.follow(list.find("cases", openCase.detail.id));
}

/** Which case is open, and the state in which it was read. */
function whatIsOpen() {
  if (escalation.detail) return { caseId: escalation.detail.case_id, state: escalation.detail.state };
  return openCase.detail && { caseId: openCase.detail.id, state: openCase.detail.state };
}

/** Something has changed in what is open: it is read again, and says what. */
async function readAgain() {
  if (escalation.detail && !escalation.bar.busy) await escalation.open(escalation.detail.id, { focus: false, byItself: true });
  else if (openCase.detail) await openCase.read(openCase.detail.id, false, BY_ITSELF);
}

function give() {
  if (escalation.detail?.status === "open") giving.open({ path: `/escalations/${escalation.detail.id}`, holder: escalation.claimedBy });
  else if (openCase.detail?.owner === "human") giving.open({ path: `/cases/${openCase.detail.id}`, holder: openCase.detail.owner_name });
}

/** Shows what the address says. */
function follow({ until } = {}) {
  if (session.over) return;
  const { list: shown, kind, id } = readAddress();
  list.show(shown, id);
  if (kind === "escalation") {
    openCase.close();
    escalation.open(id).then(() => looking.ask());
  } else if (kind === "case") {
    escalation.close();
    openCase.open(id, { until }).then(() => looking.ask());
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

/** A decision was taken back: its escalation is opened as it was. */
async function decideAgain(id, action, text) {
  openCase.close();
  history.replaceState(null, "", addressOf("escalation", id));
  list.show("queue", id);
  refreshAnew();
  await escalation.reopen(id, action, text);
}

/** Back to the list, on what is most urgent there. */
function leave(name, id, done) {
  goTo(`#${name}`);
  panes.say(done);
  list.focusNext(id, session.name);
  list.drop(name, id);
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
    r: () => { if (openCase.detail) openCase.write(); else press("answer")(); },
    x: press("reject"),
    t: () => { if (openCase.detail) act("take-over"); else press("take_over")(); },
    d: () => { if (session.may("review")) openCase.ask("resolve"); },
    h: () => { if (session.may("review")) openCase.ask("hand-back"); },
    u: () => undo.take(),
    1: () => goTo("#queue"),
    2: () => goTo("#cases"),
    3: () => goTo("#asked"),
    i: () => escalation.acknowledge(),
    n: () => { panes.switchTo("context"); beside.focus(); },
    g: give,
    s: () => { if (session.may("review")) marking.toggle(); },
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

searchAll(byId("search"), byId("search-all"), session.memory);
begin();
