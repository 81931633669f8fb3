// Makes the web addresses in a text clickable by building nodes. Only http and https, only what is shown is opened.

import { element } from "./elements.js";

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;
const PAIRS = { ")": "(", "]": "[", "}": "{" };

const BESIDE = " (opens in a new tab)";

/**
 * @param {string} text
 * @param {string} [beside] what a screen reader hears after each link
 * @returns {Array<string|HTMLAnchorElement>} the text's parts in order, ready for `append`
 */
export function withLinks(text, beside = BESIDE) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = withoutTrailingMarks(match[0]);
    const url = safeUrl(shown);
    if (url === null) continue;
    if (match.index > end) parts.push(text.slice(end, match.index));
    parts.push(linkTo(url, shown, beside));
    end = match.index + shown.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** A link that opens beside this page; `url` comes out of `safeUrl`. */
export function linkTo(url, content, beside = BESIDE) {
  return element(
    "a",
    { href: url, rel: "noopener nofollow", target: "_blank" },
    content,
    element("span.unseen", {}, beside),
  );
}

/** The address when it is http or https and carries no user name that could pass for a host, else null. */
export function safeUrl(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const open = url.protocol === "https:" || url.protocol === "http:";
  return open && url.username === "" && url.password === "" ? url.href : null;
}

/** A full stop or an unmatched bracket after an address belongs to the sentence. */
function withoutTrailingMarks(address) {
  let shown = address;
  for (;;) {
    const last = shown.at(-1);
    const opening = PAIRS[last];
    const unmatched = opening !== undefined && count(shown, last) > count(shown, opening);
    if (!unmatched && !/[.,;:!?…»”’]/u.test(last)) return shown;
    shown = shown.slice(0, -last.length);
  }
}

function count(text, character) {
  return text.split(character).length - 1;
}
