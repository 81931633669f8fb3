// The conversation as it is shown: confirmed messages by position, then what is still on its way.

import { element } from "../elements.js";
import { withLinks } from "../links.js";
import { timeElement } from "../moments.js";

const AUTHORS = { customer: "You", agent: "Assistant (AI)", human: "Colleague", system: "Note" };
const NEAR = 80;
/** How far the clocks here and there may be apart, in milliseconds, when a message is recognised. */
const CLOCKS = 60_000;

export class Log {
  /**
   * @param {HTMLElement} box the scrolling role="log"
   * @param {HTMLElement} latest the button that jumps to the newest message
   * @param {{retry: Function, rewrite: Function}} actions for a message that was not sent
   */
  constructor(box, latest, actions) {
    this.box = box;
    this.latest = latest;
    this.actions = actions;
    this.shown = new Map();
    this.own = new Map();
    this.recognised = new Set();
    this.latest.addEventListener("click", () => this.toEnd());
    this.box.addEventListener("scroll", () => { if (this.atEnd()) this.latest.hidden = true; }, { passive: true });
  }

  get empty() {
    return this.shown.size === 0 && this.own.size === 0;
  }

  /** Shows a message of the server's, once; one of the customer's own takes the place of what was shown for it. */
  add(message) {
    if (this.shown.has(message.id)) return this.place(message);
    const follow = this.atEnd();
    const key = message.author === "customer" ? this.awaited(message) : undefined;
    if (key !== undefined) {
      this.own.get(key).node.remove();
      this.own.delete(key);
      this.recognised.add(key);
    }
    const node = this.draw(message.author, message.text, message.at, "");
    this.shown.set(message.id, node);
    this.place(message);
    if (follow) this.toEnd();
    else if (message.author !== "customer") this.latest.hidden = false;
    return undefined;
  }

  /** Shows a message of the customer's that is not confirmed, or its new state. */
  show(entry) {
    if (this.recognised.has(entry.key)) return;
    const before = this.own.get(entry.key)?.node;
    if (before) {
      const follow = this.atEnd();
      before.querySelector(".state").replaceChildren(this.stateOf(entry));
      if (follow) this.toEnd();
      return;
    }
    const node = this.draw("customer", entry.text, entry.at, this.stateOf(entry));
    this.own.set(entry.key, { node, entry });
    this.box.append(node);
    this.toEnd();
  }

  /** The server has it under this id. It may have come back as an event before the answer did. */
  confirm(entry, id) {
    const node = this.own.get(entry.key)?.node;
    this.own.delete(entry.key);
    if (this.shown.has(id) || !node) {
      node?.remove();
      return;
    }
    node.querySelector(".state").replaceChildren("Sent");
    this.shown.set(id, node);
  }

  drop(entry) {
    this.own.get(entry.key)?.node.remove();
    this.own.delete(entry.key);
  }

  clear() {
    this.shown.clear();
    this.own.clear();
    this.box.replaceChildren();
    this.latest.hidden = true;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.latest.hidden = true;
  }

  atEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR;
  }

  /** Puts a message where its position says: behind the smaller ones, before everything that has none yet. */
  place(message) {
    const node = this.shown.get(message.id);
    if (node.dataset.position) return;
    node.dataset.position = message.position;
    const next = [...this.box.children].find(
      (other) => other !== node && (!other.dataset.position || Number(other.dataset.position) > message.position),
    );
    if (node.nextElementSibling !== (next ?? null) || !node.parentNode) this.box.insertBefore(node, next ?? null);
  }

  /** Whose message this is: the event may be quicker than the answer to the request that sent it. */
  awaited({ text, at }) {
    for (const [key, { entry }] of this.own) {
      const left = entry.state === "sending" || entry.state === "unconfirmed";
      const since = Date.parse(at) >= Date.parse(entry.at) - CLOCKS;
      if (left && since && entry.text.trim() === text.trim()) return key;
    }
    return undefined;
  }

  draw(author, text, at, state) {
    return element(
      `article.message.from-${author}`,
      {},
      element("p.by", {}, element("span.author", {}, AUTHORS[author] ?? "Note"), timeElement(at)),
      element("div.text", { dir: "auto" }, withLinks(text)),
      author === "customer" && element("p.state", {}, state || "Sent"),
    );
  }

  stateOf(entry) {
    const again = element("button.link", { type: "button", onclick: () => this.actions.retry(entry) }, "Try again");
    const rewrite = element("button.link", { type: "button", onclick: () => this.actions.rewrite(entry) }, "Change it");
    const parts = {
      sending: ["Sending…"],
      offline: ["Not sent yet. It goes out when you are online again."],
      held: ["Not sent yet. It waits for the message before it. ", again],
      unconfirmed: ["Not confirmed. It may not have arrived. ", again],
      refused: [`Not sent. ${entry.why} `, again, " ", rewrite],
    }[entry.state];
    return element(entry.state === "sending" ? "span" : "span.bad", {}, parts);
  }
}
