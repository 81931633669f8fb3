// The staff's search over the articles: what the agent finds for a question, how near it is, and where it comes from.
// And what is wrong with them, and what they don't answer.

import { Keys } from "../console/keys.js";
import { Session } from "../console/session.js";
import { byId, element } from "../elements.js";
import { Drafts } from "../review/drafts.js";
import { gapLines, wholeGap } from "./gaps.js";

const session = new Session({ onOut: clear });
const drafts = new Drafts(session.memory);

let asked = 0;

/** Shows what a request brings, unless another one was made meanwhile. */
async function show(request, render) {
  const mine = ++asked;
  byId("found").replaceChildren();
  byId("told").textContent = "Looking …";
  try {
    const answer = await request();
    if (mine === asked) render(answer);
  } catch (error) {
    if (mine === asked) byId("told").textContent = error.sentences ?? "Something went wrong.";
  }
}

function clear() {
  asked += 1;
  byId("found").replaceChildren();
  byId("told").textContent = "";
  byId("text").value = "";
}

function passages({ items }) {
  byId("told").textContent = items.length === 1 ? "1 passage" : `${items.length} passages`;
  byId("found").replaceChildren(...items.map((one) => element(
    "li",
    {},
    element("h2", {}, one.heading === one.title ? one.title : `${one.title}: ${one.heading}`),
    element("p.passage", {}, one.text),
    element(
      "p.muted.small",
      {},
      `similarity ${one.similarity.toFixed(2)}, score ${one.score.toFixed(4)}, `,
      one.place_by_words === null ? "not found by its words" : `number ${one.place_by_words} by words`,
    ),
    element("p.muted.small", {}, one.source === null ? "" : `${one.source}/${one.slug}`, one.url && " ", link(one.url)),
  )));
}

function findings({ findings: list }) {
  byId("told").textContent = list.length === 0 ? "Nothing to look at." : `${list.length} to look at`;
  byId("found").replaceChildren(...list.map((one) => element(
    "li",
    {},
    element("h2", {}, `${one.kind.replace("_", " ")}: ${one.article.title}`),
    element("p.passage", {}, one.at === null ? one.detail : `${one.detail} (${one.at.slice(0, 10)})`),
    element("p.muted.small", {}, place(one.article), one.other && ` and ${place(one.other)}`),
  )));
}

function place(article) {
  return `${article.source}/${article.slug}`;
}

function link(url) {
  if (url === null || !/^https?:/.test(url)) return null;
  return element("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, url);
}

function gaps() {
  return show(() => session.call("/v1/knowledge/gaps"), ({ items }) => {
    byId("told").textContent = items.length === 0 ? "No question is open." : `${items.length} open`;
    byId("found").replaceChildren(...gapLines(items, gap));
  });
}

function gap(id) {
  const path = `/v1/knowledge/gaps/${id}`;
  const send = async (action, body, told) => {
    try {
      await session.call(`${path}/${action}`, { method: "POST", body });
    } catch (error) {
      byId("told").textContent = error.sentences ?? "Something went wrong.";
      return;
    }
    drafts.remove(`gap.${id}`);
    await gaps();
    byId("told").prepend(`${told} `);
  };
  return show(() => session.call(path), (read) => {
    byId("told").textContent = "";
    byId("found").replaceChildren(...wholeGap(read, session.may("knowledge.write") ? { send, drafts } : null));
  });
}

byId("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  if (!text) return byId("text").focus();
  const body = { text, audience: byId("audience").value };
  return show(() => session.call("/v1/knowledge/search", { method: "POST", body }), passages);
});
byId("check").addEventListener("click", () => show(() => session.call("/v1/knowledge/check"), findings));
byId("gaps")?.addEventListener("click", gaps);
new Keys({ "/": () => byId("text").focus() }, session.memory);
