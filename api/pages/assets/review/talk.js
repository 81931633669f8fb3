// The middle pane's content: the talk so far, and the proposal last and set apart.

import { element } from "../elements.js";
import { withLinks } from "../links.js";
import { timeElement } from "../moments.js";
import { fileList } from "./files.js";
import { sentencesIn, wordsIn } from "./highlight.js";
import { deliveryName, percent } from "./words.js";

const AUTHORS = { agent: "Assistant (AI)", human: "Colleague", system: "Automatic" };

/**
 * The messages of a case.
 * @param {Array} lines of the API's transcript
 * @param {{customer: Object, evidence?: string[], texts?: string[]}} about `evidence`: words that moved the mood's
 *   score, marked in the messages whose text is one of `texts`
 */
export function transcript(lines, { customer, evidence = [], texts = [] }) {
  if (!lines.length) return element("p.muted", {}, "Nothing was written yet.");
  return element("ol.lines", {}, lines.map((line) => element("li", {}, message(line, { customer, evidence, texts }))));
}

function message(line, { customer, evidence, texts }) {
  const delivery = line.author === "customer" ? null : deliveryName(line.delivery);
  const troubled = line.delivery === "failed" || line.delivery === "unknown";
  const marks = line.author === "customer" && texts.includes(line.text) ? evidence : [];
  return element(
    `article.message.from-${line.author}`,
    {},
    element(
      "p.by",
      {},
      element("span.author", {}, line.author === "customer" ? customer.name ?? "Customer" : AUTHORS[line.author] ?? "Automatic"),
      timeElement(line.at),
      delivery && element(troubled ? "span.state.bad" : "span.state", {}, delivery),
    ),
    element("div.text", { dir: "auto" }, line.author === "customer" ? marked(line.text, marks) : withLinks(line.text)),
    fileList(line),
  );
}

/** A customer's links stay text here: what strangers send is not to be clicked in passing. */
function marked(text, evidence) {
  return wordsIn(text, evidence).map((part) =>
    part.labels.length ? element("mark", { title: "This moved the mood’s score" }, part.text) : part.text,
  );
}

/**
 * The proposal; each sentence that cites a source leads to it.
 * @param {Object} request of the escalation
 * @param {(number: number) => void} onSource a citation was followed
 */
export function proposal(request, onSource) {
  const cited = request.sources.flatMap((source, index) =>
    source.cited.map((sentence) => ({ find: sentence, label: index + 1 })),
  );
  const doubted = (request.findings ?? []).filter((finding) => finding.sentence)
    .map((finding) => ({ find: finding.sentence, label: finding.reason }));
  const parts = sentencesIn(request.proposal, [...cited, ...doubted]);
  const count = parts.filter((part) => part.labels.some(Number.isInteger)).length;
  return element(
    "section.proposal",
    { "aria-labelledby": "proposal-title" },
    element(
      "header",
      {},
      element("h3", { id: "proposal-title" }, request.proposal ? "Proposed answer" : "No proposal"),
      element("p.muted.small", {}, request.proposal ? summary(request, count) : ""),
    ),
    request.proposal
      ? element("div.text", { dir: "auto" }, parts.map((found) => part(found, onSource)))
      : element("p", {}, "The assistant proposes nothing more here. Answer yourself, or take over."),
    request.proposal && !request.answered &&
      element("p.notice.warn.small", {}, "The assistant found no answer. This text says so and gives no information."),
  );
}

function summary(request, count) {
  const sources = count === 0 ? "no sentence cites a source" : `${count} ${count === 1 ? "sentence cites" : "sentences cite"} a source`;
  return `Confidence ${percent(request.confidence)} · ${sources} · model ${request.model}`;
}

/** A sentence with its sources; one that a guard objects to is marked where it stands. */
function part(found, onSource) {
  const sources = found.labels.filter(Number.isInteger);
  const reasons = found.labels.filter((label) => !Number.isInteger(label));
  const text = citedPart({ ...found, labels: sources }, onSource);
  return reasons.length
    ? element("span.doubted", {}, text, element("span.why", {}, ` ${reasons.join("; ")}`))
    : text;
}

function citedPart(part, onSource) {
  if (!part.labels.length) return part.text;
  const follow = (event) => {
    event.preventDefault();
    onSource(part.labels[0]);
  };
  const numbers = part.labels.join(", ");
  return element(
    "a.cited",
    {
      href: `#source-${part.labels[0]}`,
      id: `cited-${part.labels[0]}`,
      data: { sources: part.labels.join(" ") },
      onclick: follow,
    },
    part.text,
    element("sup", {}, element("span.unseen", {}, " source "), numbers),
  );
}
