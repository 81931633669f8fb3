// The right pane: why a person is asked, the mood, the sources beside their claims, and who the customer is.

import { byId, element } from "../elements.js";
import { linkTo, safeUrl } from "../links.js";
import { timeElement } from "../moments.js";
import { sentencesIn } from "./highlight.js";
import { severity } from "./list.js";
import { matchOffers } from "./matches.js";
import { channelName, languageName, percent, plainWords, polarityName, strength, trendName } from "./words.js";

const LIKELIEST = 2;

/**
 * @param {(number: number) => void} onSentence the way back from a source to the sentence that cites it
 * @param {{call: Function}} session of staff
 * @param {{notes: Node, trend: Node, past: Node}} beside what is read of the case by itself
 */
export function escalationContext(detail, onSentence, session, beside) {
  const { request } = detail;
  const { elsewhere = [], possible_matches: matches = [], findings = [] } = request; // an older request has none
  const earlier = findings.filter(({ draft }) => draft === "first");
  const standing = findings.filter(({ draft }) => draft !== "first");
  return [
    section("Why a person is asked", element("ul.reasons", {}, request.reasons.map(reason))),
    standing.length > 0 && section("What the guards objected to", element("ul.rejected", {}, standing.map(finding))),
    section(
      request.sources.some(({ cited }) => cited.length > 0) || request.sources.length === 0 ? "Sources" : "Sources, none of them used",
      request.sources.length
        ? sources(request.sources, (source, index) => sourceCard(source, index + 1, onSentence))
        : element("p.muted", {}, "Nothing in the knowledge base fits."),
    ),
    beside.notes,
    section("Mood", mood(request.mood)),
    beside.trend,
    section(
      "Customer",
      customer(detail, [
        ["Waits since", timeElement(detail.created_at)],
        ["Answer due", timeElement(detail.due_at)],
        ...(detail.window_closes_at ? [[`${channelName(detail.channel)} takes texts until`, timeElement(detail.window_closes_at)]] : []),
      ]),
    ),
    matches.length > 0 && section("May be the same customer", matchOffers(detail.customer.id, matches, session)),
    elsewhere.length > 0 && section("Lately, in other talks", element("ul.elsewhere", {}, elsewhere.map(saidElsewhere))),
    beside.past,
    earlier.length > 0 &&
      section("What the guards objected to in the first draft", element("ul.rejected", {}, earlier.map(finding))),
    request.rejected.length > 0 && section("Drafts turned down", element("ul.rejected", {}, request.rejected.map(rejected))),
  ].filter(Boolean);
}

export function caseContext(detail, beside) {
  const facts = [["Opened", timeElement(detail.opened_at)]];
  facts.push(["With", detail.owner === "human" ? detail.owner_name ?? "A person" : "The assistant"]);
  if (detail.asked_for?.due_at) facts.push(["Answer due", timeElement(detail.asked_for.due_at)]);
  return [
    detail.asked_for && section("Why a person was asked", element("ul.reasons", {}, detail.asked_for.reasons.map(reason))),
    section("Customer", customer(detail, facts)),
    detail.asked_for?.sources.length > 0 &&
      section("Sources", sources(detail.asked_for.sources, passageCard)),
    beside.notes,
    beside.trend,
    beside.past,
  ].filter(Boolean);
}

/** Shows a source of the proposal and says where it is to a screen reader by focusing it. */
export function showSource(number) {
  const card = byId(`source-${number}`);
  if (!card) return;
  card.querySelector("details").open = true;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

/** Lights up the sources of a sentence while the pointer or the focus is on it. */
export function lightSources(talk) {
  const light = (event, on) => {
    const cited = event.target.closest?.(".cited");
    if (!cited) return;
    for (const number of cited.dataset.sources.split(" ")) byId(`source-${number}`)?.classList.toggle("lit", on);
  };
  for (const name of ["mouseover", "focusin"]) talk.addEventListener(name, (event) => light(event, true));
  for (const name of ["mouseout", "focusout"]) talk.addEventListener(name, (event) => light(event, false));
}

function section(title, ...content) {
  return element("section", {}, element("h2", {}, title), ...content);
}

function reason({ rule, explanation, severity: level, guidance }) {
  return element(
    "li",
    {},
    severity(level),
    element(
      "div",
      {},
      element("p", {}, explanation),
      element("p.muted.small", {}, plainWords(rule)),
      guidance && element("p.guidance.small", {}, guidance),
    ),
  );
}

function finding({ guard, reason: why, sentence }) {
  return element(
    "li",
    {},
    element("p", {}, why.charAt(0).toUpperCase() + why.slice(1)),
    element("p.muted.small", {}, plainWords(guard)),
    sentence && element("blockquote.small", { dir: "auto" }, sentence),
  );
}

function mood({ polarity, anger, urgency, trend, evidence }) {
  return element(
    "div",
    {},
    facts([
      ["Tone", measured(polarityName(polarity), polarity)],
      ["Anger", measured(strength(anger), anger)],
      ["Haste in their words", measured(strength(urgency), urgency)],
      ["Trend", trendName(trend)],
    ]),
    evidence.length > 0 &&
      element("p.small", {}, element("span.muted", {}, "Read from "), evidence.map((word) => [element("mark", {}, word), " "])),
  );
}

function measured(word, value) {
  return [word, " ", element("span.muted.small", {}, value.toFixed(2))];
}

/** What is cited stands open, or the likeliest where nothing is; the rest can be opened. */
function sources(all, card) {
  const isCited = ({ cited }) => cited.length > 0;
  const open = (source, index) => (all.some(isCited) ? isCited(source) : index < LIKELIEST);
  const cards = all.map((source, index) => [open(source, index), card(source, index)]);
  const list = (which) => element("ol.sources", {}, cards.filter(([first]) => first === which).map(([, shown]) => shown));
  const rest = cards.filter(([first]) => !first).length;
  return element(
    "div",
    {},
    list(true),
    rest > 0 && element("details", {}, element("summary.small", {}, `${rest} more ${rest === 1 ? "passage was" : "passages were"} found`), list(false)),
  );
}

function sourceCard(source, number, onSentence) {
  const url = source.url ? safeUrl(source.url) : null;
  const title = [source.title, source.heading].filter(Boolean).join(" – ");
  const used = source.cited.length > 0;
  return element(
    "li",
    { id: `source-${number}`, tabindex: "-1" },
    element("p.title", {}, element("b.number", {}, String(number)), url ? linkTo(url, title) : element("span", {}, title)),
    element("p.muted.small", {}, `${used ? "Cited · " : ""}similarity ${percent(source.similarity)}`),
    element(
      "details",
      { open: used },
      element("summary.small", {}, "Passage"),
      element("blockquote.small", { dir: "auto" }, passage(source)),
    ),
    used &&
      element(
        "button.link.small.back",
        { type: "button", onclick: () => onSentence(number) },
        source.cited.length === 1 ? "Show the sentence that cites it" : "Show the sentences that cite it",
      ),
  );
}

/** Where no proposal is open that could cite it. */
function passageCard(source, index) {
  return sourceCard({ ...source, cited: [] }, index + 1, () => {});
}

function passage({ text, cited }) {
  const wanted = cited.map((sentence) => ({ find: sentence, label: "cited" }));
  return sentencesIn(text, wanted).map((part) => (part.labels.length ? element("mark", {}, part.text) : part.text));
}

function customer(detail, more) {
  const { id, name, language, segment } = detail.customer;
  return facts([
    ["Name", element("a", { href: `/customers/${id}`, dir: "auto" }, name ?? "Not given")],
    ["Language", languageName(language)],
    ["Segment", plainWords(segment)],
    ["Channel", channelName(detail.channel)],
    ...more,
  ]);
}

function rejected({ draft, reason: why }) {
  return element(
    "li",
    {},
    element("p", {}, why),
    element("details", {}, element("summary.small", {}, "The draft"), element("blockquote.small", { dir: "auto" }, draft)),
  );
}

function saidElsewhere({ channel, author, text, at }) {
  const who = author === "customer" ? "Customer" : author === "human" ? "Colleague" : "Assistant";
  return element(
    "li",
    {},
    element("p.muted.small", {}, `${who}, ${channelName(channel)}, `, timeElement(at)),
    element("blockquote.small", { dir: "auto" }, text),
  );
}

function facts(pairs) {
  return element("dl.facts", {}, pairs.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}
