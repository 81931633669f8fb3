// What is wrong with the articles, or soon will be, each with the way to its article.

import { element } from "../elements.js";
import { plainWords } from "../review/words.js";
import { articleAddress } from "./address.js";
import { place } from "./articles.js";

export function findingLines(findings) {
  return findings.map((one) => element(
    "li",
    {},
    element("h2", {}, `${plainWords(one.kind)}: `, element("a", { href: articleAddress(one.article.id) }, one.article.title)),
    element("p.passage", {}, one.at === null ? one.detail : `${one.detail} (${one.at.slice(0, 10)})`),
    element(
      "p.muted.small",
      {},
      place(one.article),
      one.other && [" and ", element("a", { href: articleAddress(one.other.id) }, place(one.other))],
    ),
  ));
}
