// One conversation: what was said here or on every channel, what happened, whose it is, and what can be done with it.

import { Keys } from "../console/keys.js";
import { Session } from "../console/session.js";
import { byId, element } from "../elements.js";
import { timeElement } from "../moments.js";
import { fileList } from "../review/files.js";
import { transcript } from "../review/talk.js";
import { channelName, languageName, plainWords } from "../review/words.js";
import { caseRow, everySaid } from "./said.js";
import { eventList, facts, howSure, section, stateOf } from "./parts.js";

const MOST_EARLIER = 10;
const TABS = [["here", "This conversation"], ["every", "All channels"], ["history", "What happened"], ["looks", "Who looked"]];

const session = new Session({ onOut: () => { byId("conversation").replaceChildren(); byId("told").replaceChildren(); } });
const id = document.body.dataset.case;
const dialog = byId("confirm-resolve");
let detail = null;
let customer = null;
let busy = false;
let tab = "here";

async function read() {
  try {
    detail = await session.call(`/cases/${id}`);
    customer = await session.call(`/customers/${detail.customer.id}`);
    draw();
  } catch (error) {
    if (!session.over) say(error.sentences ?? "It could not be opened.", "bad");
    if (detail === null) byId("conversation").replaceChildren();
  }
}

function draw() {
  const name = detail.customer.name ?? "Customer without a name";
  document.title = `${name} – Conversation`;
  const pane = element("div", { id: "pane" });
  byId("conversation").replaceChildren(element(
    "div.beside",
    {},
    element(
      "div",
      {},
      element(
        "header.head",
        {},
        element("h1", { dir: "auto" }, name),
        element("p.facts-line", {}, stateOf(detail), element("span", {}, channelName(detail.channel)), element("span", {}, "begun ", timeElement(detail.opened_at))),
        actions(),
      ),
      element("div.tabs", { role: "group", "aria-label": "What is shown" }, TABS.map(([key, label]) => element(
        "button", { type: "button", "aria-pressed": String(key === tab), data: { tab: key }, onclick: () => choose(key) }, label,
      ))),
      pane,
    ),
    element("aside.aside", { "aria-label": "Customer and earlier conversations" }, beside()),
  ));
  show();
}

function choose(key) {
  tab = key;
  for (const button of document.querySelectorAll(".tabs button")) button.setAttribute("aria-pressed", String(button.dataset.tab === key));
  show();
}

async function show() {
  const pane = byId("pane");
  if (tab === "here") {
    pane.replaceChildren(transcript(detail.transcript, { customer: detail.customer }));
    return;
  }
  const wanted = tab;
  pane.replaceChildren(element("p.muted", { role: "status" }, "Loading…"));
  try {
    const content = tab === "every"
      ? await everySaid(session, detail.customer, id)
      : eventList((await session.call(`/v1/conversations/${id}/history?looks=${tab === "looks"}`)).events.filter(({ kind }) => tab === "history" || /(read|listed|searched)$/.test(kind)));
    if (wanted === tab) pane.replaceChildren(content);
  } catch (error) {
    if (wanted === tab) pane.replaceChildren(element("p.notice.bad", { role: "alert" }, error.sentences ?? "It could not be read."));
  }
}

function beside() {
  const earlier = customer.cases.filter((one) => one.id !== id);
  const withFiles = detail.transcript.filter((line) => line.files.length);
  const { language, segment } = detail.customer;
  return [
    section("Customer", facts([
      ["Name", element("a", { href: `/customers/${detail.customer.id}`, dir: "auto" }, detail.customer.name ?? "No name")],
      ["Language", languageName(language)],
      ["Segment", plainWords(segment)],
      ["Resolved", detail.resolved_at && [timeElement(detail.resolved_at), detail.resolution && `, ${howSure(detail.resolution)}`]],
      ["By", detail.resolved_by && (detail.resolved_by_name ?? plainWords(detail.resolved_by))],
      ["Opened again", detail.reopened ? `${detail.reopened} ×` : null],
      ["Rating", detail.survey?.rating ? `${detail.survey.rating} of 5` : null],
    ])),
    section("Other conversations", earlier.length
      ? element("ul.plain-list", {}, earlier.slice(0, MOST_EARLIER).map(caseRow))
      : element("p.muted", {}, "None.")),
    earlier.length > MOST_EARLIER && element("p", {}, element("a", { href: `/customers/${detail.customer.id}` }, `All ${customer.cases.length}`)),
    withFiles.length > 0 && section("Files", withFiles.map(fileList)),
  ].filter(Boolean);
}

function actions() {
  const found = [];
  const desk = (hash, label) => element("a.button.primary", { href: `/review#${hash}` }, label);
  if (detail.escalation_id) found.push(desk(`e/${detail.escalation_id}`, "Open the decision"));
  else if (detail.status === "resolved") found.push(button("Open again", () => act("reopen", "It is open again; the assistant has it.")));
  else if (detail.owner === "human") found.push(desk(`c/${id}`, "Answer at the desk"));
  else found.push(button("Take over and answer", takeOver, "primary"));
  if (detail.status === "open" && !detail.escalation_id) found.push(button("Resolve", () => dialog.showModal()));
  return element("div.acts.may-review", {}, found);
}

function button(label, onclick, kind) {
  return element(kind ? `button.${kind}` : "button", { type: "button", onclick }, label);
}

async function takeOver() {
  if (await act("take-over", "")) location.assign(`/review#c/${id}`);
}

async function act(action, done, body) {
  if (busy || !session.may("review")) return false;
  busy = true;
  try {
    await session.call(`/cases/${id}/${action}`, { method: "POST", body });
    if (done) {
      await read();
      say(done, "good");
    }
    return true;
  } catch (error) {
    say(`${error.sentences ?? "Something went wrong."} Nothing was changed.`, "bad");
    return false;
  } finally {
    busy = false;
  }
}

function say(words, tone) {
  byId("told").replaceChildren(element(`p.notice.${tone}`, {}, words));
}

dialog.addEventListener("close", () => {
  if (dialog.returnValue === "resolve") act("resolve", "It is resolved.", { confirmed: byId("confirmed").checked });
  dialog.returnValue = "";
});
new Keys(
  {
    t: () => { if (session.may("review")) document.querySelector(".acts .primary")?.click(); },
    b: () => location.assign("/conversations"),
  },
  session.memory,
);
read();
