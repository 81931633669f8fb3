// What the pages of conversations and customers are made of: a line of a list, facts, and what happened in words.

import { element } from "../elements.js";
import { shortTime, timeElement } from "../moments.js";
import { wordsIn } from "../review/highlight.js";
import { channelName, languageName, plainWords } from "../review/words.js";

const FOUND_BY = { address: "by address", id: "by id", topic: "by topic", name: "by name" };

const AUTHORS = { agent: "Assistant", human: "Colleague" };

const EVENTS = {
  "message.received": "The customer wrote",
  "message.sent": "A message was sent",
  "message.failed": "A message could not be sent",
  "turn.answered": "The assistant answered",
  "turn.withheld": "The assistant’s draft was kept back",
  "turn.dead": "The assistant gave up",
  "escalation.opened": "A person was asked to decide",
  "escalation.decided": "A person decided",
  "escalation.late": "The decision was late",
  "case.taken_over": "Taken over",
  "case.handed_back": "Handed back to the assistant",
  "case.answered_by_person": "A person answered",
  "case.answered_elsewhere": "Answered in the mailbox",
  "case.resolved": "Resolved",
  "case.reopened": "Opened again",
  "customer.segment_set": "The segment was set",
  "survey.asked": "The customer was asked for a rating",
  "survey.rated": "The customer rated",
  "case.read": "Looked at",
  "case.history_read": "The history was looked at",
  "escalation.read": "The decision was looked at",
  "file.read": "A file was fetched",
};

const OF_ITSELF = ["customer", "agent", "scheduler", "system"];

/** A case in a list. @param {Object} item of the API @param {string[]} words that are marked in its line */
export function caseLine(item, words = []) {
  return element(
    "li",
    {},
    element(
      "a.found-row",
      { href: `/conversations/${item.case_id}`, data: { id: item.case_id } },
      element("span.who", { dir: "auto" }, item.customer_name ?? "No name"),
      element("span.when", {}, timeElement(item.last_at, shortTime)),
      item.line && element("span.said", { dir: "auto" }, AUTHORS[item.author] && element("bdi.muted", {}, `${AUTHORS[item.author]}: `), marked(item.line, words)),
      element(
        "span.about",
        {},
        stateOf(item),
        element("span", {}, channelName(item.channel)),
        item.topic && element("span", {}, item.topic),
        item.language && element("span", {}, languageName(item.language)),
        FOUND_BY[item.found_by] && element("span", {}, FOUND_BY[item.found_by]),
      ),
    ),
  );
}

export function stateOf({ status, owner, owner_name: name, escalation_id: waits }) {
  if (waits) return element("span.waits", {}, "Waits for a decision");
  if (status === "resolved") return element("span", {}, "Resolved");
  if (owner === "agent") return element("span.open", {}, "Open, with the assistant");
  return element("span.open", {}, name === null ? "Open, with a person" : `Open, with ${name}`);
}

function marked(text, words) {
  return wordsIn(text, words).map((part) => (part.labels.length ? element("mark", {}, part.text) : part.text));
}

export function section(title, ...content) {
  return element("section", {}, element("h2", {}, title), ...content);
}

/** @param {Array<[string, *]>} pairs those without a value are left out */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl.facts", {}, known.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}

/** What happened, newest first. */
export function eventList(events) {
  if (!events.length) return element("p.muted", {}, "Nothing happened yet.");
  return element("ol.events", {}, events.map(({ at, kind, actor, data }) => element(
    "li",
    {},
    timeElement(at),
    element("span", {}, EVENTS[kind] ?? plainWords(kind.replace(".", ": ")), who(actor), details(kind, data)),
  )));
}

function who(actor) {
  return actor && !OF_ITSELF.includes(actor) ? ` by ${actor}` : "";
}

function details(kind, data) {
  if (kind === "escalation.decided" && data.action) return `: ${plainWords(data.action).toLowerCase()}`;
  if (kind === "case.resolved" && data.certainty) return `, ${howSure(data.certainty)}`;
  if (kind === "escalation.opened" && data.rules?.length) return `: ${data.rules.map(plainWords).join(", ").toLowerCase()}`;
  return "";
}

/** Whether the customer themselves said that a case is settled. */
export function howSure(certainty) {
  return certainty === "confirmed" ? "as the customer said" : "not confirmed by the customer";
}

export function addressLine({ channel, address, proven_at: proven, contested }) {
  const standing = proven ? "proven" : "only said";
  return element(
    "li",
    { dir: "auto" },
    `${address ?? "erased"} `,
    element("span.muted.small", {}, `${channelName(channel)}, ${contested ? "somebody has to say whose it is" : standing}`),
  );
}

export function plural(count, one, many = `${one}s`) {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}
