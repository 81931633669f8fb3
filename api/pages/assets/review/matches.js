// Customers who may be the same person, offered beside an escalation: look at both, then say that they are one, or don't.

import { element } from "../elements.js";
import { channelName } from "./words.js";

/**
 * @param {string} customerId whose escalation it is
 * @param {string[]} ids of the others
 * @param {{call: Function}} session of staff
 */
export function matchOffers(customerId, ids, session) {
  return element("ul.matches", {}, ids.map((id) => offer(customerId, id, session)));
}

function offer(customerId, otherId, session) {
  const place = element("div.small", { "aria-live": "polite" });
  const look = element(
    "button.link.small",
    { type: "button", onclick: () => attempt(place, look, () => show(place, customerId, otherId, session)) },
    "Look at both",
  );
  return element("li", {}, element("p", {}, "Somebody else has proven an address that is named here, or what is said here fits our records of them."), look, place);
}

async function show(place, customerId, otherId, session) {
  const both = await session.call(`/customers/${customerId}/merge?into=${otherId}`);
  const join = element(
    "button.small",
    {
      type: "button",
      onclick: () =>
        attempt(place, join, async () => {
          await session.call(`/customers/${customerId}/merge`, { method: "POST", body: { into: otherId } });
          place.replaceChildren("They are one customer now. It can be undone.");
        }),
    },
    "They are one person",
  );
  place.replaceChildren(side("This customer", both.source), side("May be the same", both.into), join);
}

function side(name, customer) {
  const addresses = customer.addresses.map(({ channel, address, proven_at: proven }) =>
    element("li", { dir: "auto" }, `${address ?? "erased"} · ${channelName(channel)}, ${proven ? "proven" : "only said"}`),
  );
  return element(
    "div",
    {},
    element("p.title", {}, `${name}: ${customer.name ?? "no name"}`),
    element("p.muted", {}, `Conversations: ${customer.conversations}, open cases: ${customer.open_cases}`),
    element("ul", {}, addresses),
  );
}

async function attempt(place, button, work) {
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    place.append(element("p.bad", {}, error.sentences ?? "Something went wrong."));
  } finally {
    button.disabled = false;
  }
}
