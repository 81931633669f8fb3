// What a customer said and heard over all cases and channels, in the order of time; each change of case is a heading.

import { element } from "../elements.js";
import { timeElement } from "../moments.js";
import { transcript } from "../review/talk.js";
import { channelName } from "../review/words.js";

const PAGE = 100;

/** @param {Object} session @param {{id: string, name: ?string}} customer @param {?string} here the case that is open */
export async function everySaid(session, customer, here = null) {
  const place = element("div.every", {});
  const earlier = element("button", { type: "button" }, "Show earlier");
  let oldest = null;
  const read = async () => {
    const before = oldest === null ? "" : `&before=${oldest}`;
    const { items } = await session.call(`/customers/${customer.id}/messages?limit=${PAGE}${before}`);
    oldest = items[0]?.id ?? oldest;
    place.prepend(...groups(items).map((lines) => group(lines, customer, here)));
    earlier.hidden = items.length < PAGE;
  };
  earlier.addEventListener("click", async () => {
    earlier.disabled = true;
    await read().catch(() => {});
    earlier.disabled = false;
  });
  await read();
  if (!place.firstChild) place.append(element("p.muted", {}, "Nothing was written yet."));
  return element("div.sections", {}, earlier, place);
}

function groups(items) {
  const found = [];
  for (const item of items) {
    if (found.at(-1)?.[0].case_id === item.case_id) found.at(-1).push(item);
    else found.push([item]);
  }
  return found;
}

function group(lines, customer, here) {
  const [{ case_id: id, channel }] = lines;
  const where = id === here ? `${channelName(channel)}, this conversation` : element("a", { href: `/conversations/${id}` }, channelName(channel));
  const readable = lines.map((line) => ({ ...line, text: line.text ?? "(erased)" }));
  return element("div", {}, element("p.source", {}, where), transcript(readable, { customer }));
}

/** A case in a list beside something else. */
export function caseRow({ id, channel, status, opened_at: opened }) {
  return element(
    "li",
    {},
    element("a", { href: `/conversations/${id}` }, channelName(channel), ", ", timeElement(opened)),
    element("span.muted", {}, status === "resolved" ? " resolved" : " open"),
  );
}
