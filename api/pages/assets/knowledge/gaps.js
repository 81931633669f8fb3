// What customers ask and no article answers: the list, one gap with a suggested article, and a person's decision.

import { element } from "../elements.js";

const REASONS = {
  not_ours: "it is nothing of ours",
  case_by_case: "it differs from case to case",
  answered_already: "an article answers it already",
  other: "another reason",
};

/** The lines of the list. */
export function gapLines(items) {
  return items.map((one) => element(
    "li",
    {},
    element("h2", {}, element("a", { href: `#gap/${one.id}` }, one.question)),
    element(
      "p.muted.small",
      {},
      `${count(one.questions, "question")} of ${count(one.customers, "customer")}, ${one.answers} answered by staff, `,
      `last on ${one.last_at.slice(0, 10)}`,
      one.earlier_article_id && [
        "; asked again after ", element("a", { href: `#article/${one.earlier_article_id}` }, "an article"), " was approved",
      ],
    ),
  ));
}

/**
 * One gap whole.
 * @param {Object} gap
 * @param {{send: Function, drafts: Object}|null} desk null for who may not decide; `send` posts a decision and shows
 *   what became of it: `(action, body, told)`; `drafts` keeps what was written until then
 */
export function wholeGap(gap, desk) {
  const suggested = gap.suggestion;
  return [
    element("li", {}, element("h2", {}, count(gap.questions, "question")), gap.asked.map((one) => [
      element("p.passage", {}, one.text),
      one.answer && element("p.passage.answer", {}, `Staff: ${one.answer}`),
    ])),
    suggested && element(
      "li",
      {},
      element("h2", {}, `Suggested, out of ${count(suggested.answers, "answer")}`),
      lines("Other answers say", suggested.others.map(other)),
      lines("Left out, for it was done for one customer", suggested.left_out),
      lines("To look at", suggested.places.map((place) => `${place.reason}: ${place.sentence}`)),
    ),
    desk && element("li", {}, article(gap, desk), dismissal(gap, desk)),
  ].filter(Boolean);
}

function article(gap, { send, drafts }) {
  const kept = (field) => drafts.get(`gap.${gap.id}`, field) ?? gap.suggestion?.[field] ?? "";
  const keep = (field) => (event) => drafts.set(`gap.${gap.id}`, field, event.target.value);
  const title = element("input", { id: "gap-title", maxlength: 200, value: kept("title"), oninput: keep("title") });
  const text = element("textarea", { id: "gap-text", rows: 8, maxlength: 20000, oninput: keep("text") }, kept("text"));
  const audience = element(
    "select",
    { id: "gap-audience" },
    element("option", { value: "public" }, "everybody"),
    element("option", { value: "customers" }, "customers who are known"),
    element("option", { value: "staff" }, "staff"),
  );
  const checked = element("input", { type: "checkbox", id: "gap-checked" });
  const approve = (event) => {
    event.preventDefault();
    return send("approve", {
      version: gap.version,
      title: title.value,
      text: text.value,
      audience: audience.value,
      checked: checked.checked,
    }, "The article is live.");
  };
  return element(
    "form.gap-form",
    { novalidate: true, onsubmit: approve },
    field("Title", title),
    field("Text", text),
    field("Who may be told", audience),
    element("label", { for: "gap-checked" }, checked, " Nothing in it is one customer's own: I have looked"),
    element("button.primary", {}, "Approve"),
  );
}

function dismissal(gap, { send }) {
  const reason = element(
    "select",
    { id: "gap-reason" },
    Object.entries(REASONS).map(([value, words]) => element("option", { value }, words)),
  );
  const dismiss = (event) => {
    event.preventDefault();
    return send("dismiss", { version: gap.version, reason: reason.value }, "Dismissed.");
  };
  return element(
    "form.gap-form",
    { novalidate: true, onsubmit: dismiss },
    field("No article, because", reason),
    element("button", {}, "Dismiss"),
  );
}

function field(label, input) {
  return element("div.field", {}, element("label", { for: input.id }, label), input);
}

function lines(heading, sentences) {
  return sentences.length > 0 && [
    element("h3.small", {}, heading),
    element("ul", {}, sentences.map((sentence) => element("li", {}, sentence))),
  ];
}

function other(one) {
  return one.instead === null ? one.sentence : `${one.sentence} (here: ${one.instead})`;
}

function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
