// One customer across channels: addresses, conversations, who may be the same person; joined with another and parted.

import { Keys } from "../console/keys.js";
import { Session } from "../console/session.js";
import { byId, element, setFieldError } from "../elements.js";
import { timeElement } from "../moments.js";
import { channelName, languageName, plainWords } from "../review/words.js";
import { Merging } from "./merging.js";
import { addressLine, facts, plural, section } from "./parts.js";
import { caseRow, everySaid } from "./said.js";

const ID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i;

const session = new Session({ onOut: () => { byId("customer").replaceChildren(); byId("told").replaceChildren(); } });
const id = document.body.dataset.customer;
const merging = new Merging(session, { onDone: (words, to) => { if (to && to !== id) location.assign(`/customers/${to}`); else read().then(() => say(words, "good")); } });

async function read() {
  try {
    draw(await session.call(`/customers/${id}`));
  } catch (error) {
    if (session.over) return;
    byId("customer").replaceChildren();
    say(error.sentences ?? "It could not be opened.", "bad");
  }
}

function draw(customer) {
  document.title = `${customer.name ?? "No name"} – Customer`;
  const talk = element("div", { id: "talk" }, element("button", { type: "button", onclick: () => showSaid(customer) }, "Read what was said on all channels"));
  byId("customer").replaceChildren(element(
    "div.beside",
    {},
    element(
      "div.sections",
      {},
      element(
        "header.head",
        {},
        element("h1", { dir: "auto" }, customer.erased ? "Erased customer" : customer.name ?? "Customer without a name"),
        element("p.facts-line", {}, plural(customer.conversations, "conversation"), element("span", {}, `${customer.open_cases} open`), element("span", {}, "since ", timeElement(customer.created_at))),
        customer.merged_into && element("p.notice.warn", {}, "They were joined with ", element("a", { href: `/customers/${customer.merged_into}` }, "another customer"), ", who has all that was theirs."),
      ),
      section("Conversations", customer.cases.length ? element("ul.plain-list", {}, customer.cases.map(caseRow)) : element("p.muted", {}, "None.")),
      section("Said and heard", talk),
    ),
    element("aside.aside", { "aria-label": "Who they are" }, beside(customer)),
  ));
}

function beside(customer) {
  return [
    section("Addresses", customer.addresses.length ? element("ul.plain-list", {}, customer.addresses.map(addressLine)) : element("p.muted", {}, "None that we know.")),
    section("About", facts([["Language", languageName(customer.language)], ["Segment", plainWords(customer.segment)]])),
    customer.possible_matches.length > 0 && section("May be the same person", element("ul.plain-list", {}, customer.possible_matches.map(match))),
    !customer.merged_into && !customer.erased && element("div.may-review", {}, section("Join with another customer", joinForm())),
    customer.merges.length > 0 && section("Joined and parted", element("ul.plain-list", {}, customer.merges.map(mergeLine))),
  ].filter(Boolean);
}

function match({ customer_id: other, channels, theirs, contested }) {
  const why = theirs ? "has proven an address that is named here" : "names an address that is proven here";
  return element(
    "li",
    {},
    element("a", { href: `/customers/${other}` }, "Another customer"), ` (${channels.map(channelName).join(", ")}) ${why}.`,
    contested && " A person has to say whose it is.",
    element("div.may-review", {}, element("button", { type: "button", onclick: () => merging.join(id, other) }, "Look at both")),
  );
}

function joinForm() {
  const field = element("input", { type: "text", id: "other", autocomplete: "off", spellcheck: "false", "aria-describedby": "other-hint" });
  return element(
    "form",
    {
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        const other = ID.exec(field.value)?.[0].toLowerCase();
        setFieldError(field, other ? "" : "Paste the other customer’s page address or id");
        if (other) merging.join(id, other);
        else field.focus();
      },
    },
    element("div.field", {}, element("label", { for: "other" }, "The other customer"), element("p.hint", { id: "other-hint" }, "The address of their page, or their id."), field),
    element("div.choices", {}, element("button", {}, "Look at both")),
  );
}

function mergeLine(merge) {
  const other = merge.source_id === id ? merge.into_id : merge.source_id;
  const moved = `${plural(merge.conversations, "conversation")} and ${plural(merge.identities, "address", "addresses")}`;
  return element(
    "li",
    {},
    element("p", {}, merge.source_id === id ? `Gave ${moved} to ` : `Got ${moved} from `, element("a", { href: `/customers/${other}` }, "another customer"), ` by ${merge.merged_by === "proof" ? "a proven address" : merge.merged_by}, `, timeElement(merge.merged_at)),
    merge.reason && element("p.muted", { dir: "auto" }, `“${merge.reason}”`),
    merge.undone_at && element("p.muted", {}, `Parted again by ${merge.undone_by}, `, timeElement(merge.undone_at), merge.undone_reason && `: “${merge.undone_reason}”`),
    merge.undoable && element("div.may-review", {}, element("p.muted", {}, "Can be undone until ", timeElement(merge.undoable_until)), element("button", { type: "button", onclick: () => merging.part(merge, moved) }, "Part them again")),
  );
}

async function showSaid(customer) {
  const talk = byId("talk");
  talk.replaceChildren(element("p.muted", { role: "status" }, "Loading…"));
  try {
    talk.replaceChildren(await everySaid(session, customer));
  } catch (error) {
    talk.replaceChildren(element("p.notice.bad", { role: "alert" }, error.sentences ?? "It could not be read."));
  }
}

function say(words, tone) {
  byId("told").replaceChildren(element(`p.notice.${tone}`, {}, words));
}

new Keys({ u: () => location.assign("/conversations") }, session.memory);
read();
