// Joining two customers and parting them: what will happen is shown first, a reason is asked for, and then it is done.

import { byId, element, setFieldError } from "../elements.js";
import { addressLine, plural } from "./parts.js";

export class Merging {
  /** @param {Object} session @param {{onDone: (words: string, to: ?string) => void}} options */
  constructor(session, { onDone }) {
    Object.assign(this, { session, onDone });
    this.dialog = byId("merging");
    this.reason = byId("reason");
    byId("merging-leave").addEventListener("click", () => this.dialog.close());
    byId("merging-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  /** Shows both, and what joining them does. */
  async join(source, into) {
    this.open("Are these two one person?", element("p", { role: "status" }, "Loading…"));
    try {
      const both = await this.session.call(`/customers/${source}/merge?into=${into}`);
      this.show(this.joining(both), "They are one person", async (reason) => {
        await this.session.call(`/customers/${source}/merge`, { method: "POST", body: { into, reason } });
        this.onDone("They are one customer now.", into);
      });
    } catch (error) {
      this.failed(error);
    }
  }

  /** @param {Object} merge of the API @param {string} moved what went over then, in words */
  part(merge, moved) {
    const what = element(
      "ul.effects",
      {},
      element("li", {}, `${moved} go back to the customer that they came from, and what was begun since from those addresses.`),
      element("li", {}, "What the assistant is writing for either begins anew."),
      element("li", {}, "Whoever wants them joined again can do that afterwards."),
    );
    this.open("Part these two again?", what);
    this.show(what, "Part them", async (reason) => {
      await this.session.call(`/customers/${merge.source_id}/unmerge`, { method: "POST", body: { reason } });
      this.onDone("They are two customers again.", null);
    });
  }

  joining({ source, into, undo_days: days }) {
    const name = ({ name: known }) => known ?? "no name";
    return element(
      "div",
      {},
      element("div.both", {}, side("This customer", source), side("The other", into)),
      element(
        "ul.effects",
        {},
        element("li", {}, `${plural(source.conversations, "conversation")} (${source.open_cases} open) and ${plural(source.addresses.length, "address", "addresses")} of the first become the other’s.`),
        element("li", {}, `They are then called ${name(into)}; segment and name of the first are not shown any more.`),
        element("li", {}, "What the assistant is writing for either begins anew. Nothing is sent."),
        element("li", {}, `It can be undone for ${plural(days, "day")}.`),
      ),
    );
  }

  open(title, content) {
    byId("merging-title").textContent = title;
    this.reason.value = "";
    setFieldError(this.reason, "");
    this.work = null;
    byId("merging-error").hidden = true;
    byId("merging-do").hidden = true;
    byId("merging-what").replaceChildren(content);
    this.dialog.showModal();
    byId("merging-title").focus();
  }

  show(content, label, work) {
    byId("merging-what").replaceChildren(content);
    byId("merging-do").textContent = label;
    byId("merging-do").hidden = false;
    this.work = work;
  }

  async submit() {
    const reason = this.reason.value.trim();
    setFieldError(this.reason, reason ? "" : "Say why");
    if (!reason) {
      this.reason.focus();
      return;
    }
    const { work } = this;
    if (!work) return;
    this.work = null;
    try {
      await work(reason);
      this.dialog.close();
    } catch (error) {
      this.work = work;
      this.failed(error);
    }
  }

  failed(error) {
    byId("merging-error").textContent = `${error.sentences ?? "Something went wrong."} Nothing was changed.`;
    byId("merging-error").hidden = false;
  }
}

function side(title, customer) {
  return element(
    "div",
    {},
    element("h3", {}, title),
    element("p", { dir: "auto" }, customer.name ?? "No name"),
    element("p.muted", {}, `${plural(customer.conversations, "conversation")}, ${customer.open_cases} open`),
    element("ul", {}, customer.addresses.map(addressLine)),
  );
}
