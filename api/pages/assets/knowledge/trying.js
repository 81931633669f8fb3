// One question as a customer would ask it: what they would get, how the agent comes to it, and what the search finds.

import { element } from "../elements.js";
import { linkTo, safeUrl } from "../links.js";
import { channelName, percent, plainWords } from "../review/words.js";
import { articleAddress } from "./address.js";
import { AUDIENCES, place } from "./articles.js";

const SKILLS = {
  identify: "Who writes",
  sentiment: "How they sound",
  retrieve: "What the articles say",
  intent: "What it is about",
  conclude: "Whether the matter is settled",
  respond: "The draft",
  guard: "What the guards say of it",
  escalate: "Whether a person decides",
  adapt: "Made to fit the channel",
};
const CHANNELS = ["chat", "form", "email", "whatsapp"];

/** @param {{session: Object, look: Function}} desk `look` asks for something and says what came of it */
export function tryingPage({ session, look }) {
  const found = element("div.view", { id: "found" });
  const text = element("textarea", { id: "text", rows: 2, maxlength: 4000, "aria-keyshortcuts": "/" });
  const channel = choice("channel", CHANNELS.map((name) => [name, channelName(name)]));
  const audience = choice("audience", Object.entries(AUDIENCES));
  const ask = (path, body, render) => {
    if (!text.value.trim()) return text.focus();
    found.replaceChildren();
    return look(() => session.call(path, { method: "POST", body: { text: text.value.trim(), ...body } }), (answer) => {
      const [words, nodes] = render(answer);
      found.replaceChildren(...nodes);
      return words;
    });
  };
  const onsubmit = (event) => {
    event.preventDefault();
    return ask("/v1/knowledge/try", { channel: channel.value }, tried);
  };
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    text.form.requestSubmit();
  });
  const search = () => ask("/v1/knowledge/search", { audience: audience.value }, passages);
  return [
    element(
      "form.ask",
      { novalidate: true, onsubmit },
      element("div.field.wide", {}, element("label", { for: "text" }, "Question"), text),
      field("Asked by", channel),
      element("button.primary", {}, "Ask the assistant"),
      field("Search as", audience),
      element("button", { type: "button", onclick: search }, "Search only"),
      element("p.hint", {}, "Nothing is stored or sent. The assistant takes you for a customer who has not proven who they are."),
    ),
    found,
  ];
}

function choice(id, options) {
  return element("select", { id }, options.map(([value, words]) => element("option", { value }, words)));
}

function field(label, input) {
  return element("div.field", {}, element("label", { for: input.id }, label), input);
}

function tried({ steps, reply, handoff, request }) {
  const answer = request
    ? [
        box("The customer gets now", handoff ?? "nothing"),
        box(`A person is asked (${request.severity}), because`, reasons(steps)),
        box("The draft for them", request.proposal || "There is none."),
      ]
    : [box("The customer gets", reply)];
  const took = steps.reduce((sum, step) => sum + step.milliseconds, 0);
  return [
    request ? "A person would be asked." : "It would be answered.",
    [
      ...answer,
      element("h2", {}, "How the assistant came to it"),
      element("ol.trace", {}, steps.map(stepLine)),
      element("p.muted.small", {}, `${Math.round(took).toLocaleString()} ms of work; some skills work side by side.`),
    ],
  ];
}

function reasons(steps) {
  return steps.filter(({ skill }) => skill === "escalate").flatMap(({ told }) => told.map(({ text }) => text)).join("\n");
}

function box(title, text) {
  return element("section.result", {}, element("h2", {}, title), element("p.passage", { dir: "auto" }, text));
}

function stepLine({ skill, milliseconds, told }) {
  return element(
    "li",
    {},
    element(
      "h3",
      {},
      SKILLS[skill] ?? plainWords(skill),
      " ",
      element("span.muted.small", {}, `${SKILLS[skill] ? `${skill}, ` : ""}${Math.round(milliseconds)} ms`),
    ),
    told.map(({ label, text, tone }) => element(
      tone ? `p.${tone}` : "p",
      { dir: "auto" },
      label && element("span.muted", {}, `${label}: `),
      text,
    )),
  );
}

function passages({ items }) {
  return [
    items.length === 1 ? "1 passage" : `${items.length} passages`,
    [element("ol.found", {}, items.map((one) => element(
      "li",
      {},
      element("h2", {}, title(one)),
      element("p.passage", { dir: "auto" }, one.text),
      element(
        "p.muted.small",
        {},
        `Similarity ${percent(one.similarity)}, score ${one.score.toFixed(4)}, `,
        one.place_by_words === null ? "not found by its words" : `number ${one.place_by_words} by words`,
      ),
      element("p.muted.small", {}, one.source !== null && place(one), " ", address(one.url)),
    )))],
  ];
}

function title(one) {
  const words = one.heading === one.title ? one.title : `${one.title}: ${one.heading}`;
  return one.source === null ? words : element("a", { href: articleAddress(one.article_id) }, words);
}

function address(url) {
  const safe = url && safeUrl(url);
  return safe ? linkTo(safe, url) : null;
}
