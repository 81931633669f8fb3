// The conversation as it is shown: confirmed messages by position, then what is still on its way.

import { now } from "../clock.js";
import { element } from "../elements.js";
import { safeUrl, withLinks } from "../links.js";
import { icon } from "./icons.js";
import { size } from "./tray.js";

const NEAR_END = 80;
/** How far the clocks here and there may be apart, in milliseconds, when a message is recognised. */
const CLOCKS = 60_000;

export class Log {
  /**
   * @param {{words: Object, host: string, before: HTMLElement, after: HTMLElement, actions: {retry: Function, rewrite: Function}}}
   *   options `before` and `after` stand around the messages; `actions` are for a message that was not sent
   */
  constructor({ words, host, before, after, actions }) {
    Object.assign(this, { words, host, before, after, actions });
    // The reader's own way of writing times, where it is the same language.
    const lang = navigator.language.startsWith(words.lang) ? navigator.language : words.lang;
    this.box = element("div.log", { id: "log", role: "log", "aria-live": "polite", "aria-label": words.log, tabindex: "0" }, before, after);
    this.latest = element("button.latest", { type: "button", hidden: true, onclick: () => { this.toEnd(); this.box.focus(); } }, icon("down"), words.latest);
    this.shown = new Map();
    this.own = new Map();
    this.recognised = new Set();
    this.unasked = [];
    this.clock = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit" });
    this.withDay = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    this.inFull = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "long" });
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
      this.drop({ key });
      this.recognised.add(key);
    } else if (message.author === "customer") this.unasked.push(message);
    this.shown.set(message.id, this.draw(message));
    this.place(message);
    if (follow) this.toEnd();
    else if (message.author !== "customer") this.latest.hidden = false;
    return undefined;
  }

  /** Shows a message of the customer's that is not confirmed, or its new state. */
  show(entry) {
    if (this.recognised.has(entry.key)) return;
    const before = this.own.get(entry.key)?.node;
    if (!before && entry.elsewhere && this.arrived(entry)) return;
    if (before) {
      const follow = this.atEnd();
      const focused = before.contains(this.box.getRootNode().activeElement);
      before.querySelector(".state").replaceChildren(...this.stateOf(entry));
      if (focused) this.box.focus();
      if (follow) this.toEnd();
      return;
    }
    const files = entry.names.map((name) => ({ name }));
    const node = this.draw({ author: "customer", text: entry.text, at: entry.at, files }, this.stateOf(entry));
    this.own.set(entry.key, { node, entry });
    this.box.insertBefore(node, this.after);
    this.toEnd();
  }

  /** The server has it under this id. It may have come back as an event before the answer did. */
  confirm(entry, id) {
    const node = this.own.get(entry.key)?.node;
    // With files it is drawn anew when it comes back, for then they have their addresses.
    if (entry.names.length && !this.shown.has(id)) return this.settle(entry);
    this.own.delete(entry.key);
    if (this.shown.has(id) || !node) return node?.remove();
    node.querySelector(".state").replaceChildren(...this.stateOf({ ...entry, state: "sent" }));
    return this.shown.set(id, node);
  }

  /** It is there, under an id that is not known yet: its event takes its place. */
  settle(entry) {
    entry.state = "sent";
    this.show(entry);
  }

  drop(entry) {
    this.own.get(entry.key)?.node.remove();
    this.own.delete(entry.key);
  }

  clear() {
    this.shown.clear();
    this.own.clear();
    this.unasked = [];
    this.box.replaceChildren(this.before, this.after);
    this.latest.hidden = true;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
    this.latest.hidden = true;
  }

  atEnd() {
    return this.box.scrollHeight - this.box.scrollTop - this.box.clientHeight < NEAR_END;
  }

  /** Puts a message where its position says: behind the smaller ones, before everything that has none yet. */
  place(message) {
    const node = this.shown.get(message.id);
    if (node.dataset.position) return;
    node.dataset.position = message.position;
    const next = [...this.box.children].find(
      (other) => other !== node && other !== this.before
        && (!other.dataset.position || Number(other.dataset.position) > message.position),
    );
    if (node.nextElementSibling !== (next ?? null) || !node.parentNode) this.box.insertBefore(node, next ?? null);
  }

  /** Whose message this is: the event may be quicker than the answer to the request that sent it. */
  awaited(message) {
    const left = ["sending", "unconfirmed", "filesLost", "sent"];
    return [...this.own].find(([, { entry }]) => left.includes(entry.state) && isOf(entry, message))?.[0];
  }

  /** Whether a message of another tab's is here already: its event may be quicker than the word of that tab, too. */
  arrived(entry) {
    const place = this.unasked.findIndex((message) => isOf(entry, message));
    if (place < 0) return false;
    this.unasked.splice(place, 1);
    return this.recognised.add(entry.key);
  }

  draw({ author, text, at, files = [] }, state = null) {
    const { words } = this;
    const date = new Date(at);
    const time = element("time", { datetime: date.toISOString(), title: this.inFull.format(date) }, this.timeOf(date));
    const own = author === "customer";
    return element(
      `article.message.${author}`,
      {},
      author === "human" && element("p.joined", {}, words.joined),
      element("p.by", {}, element("span.author", {}, words[own ? "you" : author] ?? words.system), time),
      text && element("div.text", { dir: "auto" }, withLinks(text, words.newTab)),
      files.length > 0 && element("ul.files", {}, files.map((file) => this.fileOf(file))),
      own && element("p.state", {}, state ?? this.stateOf({ state: "sent", at })),
    );
  }

  fileOf({ name, size: bytes, refusal, url }) {
    const { words } = this;
    const named = element("span.name", { dir: "auto" }, name);
    const why = refusal && (words.refusals[refusal] ?? words.refusals[refusal.split("_")[0]]);
    const address = url && !refusal ? safeUrl(new URL(url, this.host).href) : null;
    return element(
      "li.file", {},
      icon("file"),
      address
        ? element("a", { href: address, rel: "noopener nofollow", target: "_blank" }, named, element("span.unseen", {}, words.newTab))
        : named,
      bytes > 0 && element("span.size", {}, size(bytes)),
      refusal && element("span.refusal", {}, why ? `${words.notKept}: ${why}` : words.notKept),
    );
  }

  timeOf(date) {
    const day = new Date(now());
    if (date.toDateString() === day.toDateString()) return this.clock.format(date);
    day.setDate(day.getDate() - 1);
    if (date.toDateString() === day.toDateString()) return `${this.words.yesterday}, ${this.clock.format(date)}`;
    return this.withDay.format(date);
  }

  stateOf(entry) {
    const { words } = this;
    const again = element("button.link", { type: "button", onclick: () => this.actions.retry(entry) }, words.again);
    const rewrite = element("button.link", { type: "button", onclick: () => this.actions.rewrite(entry) }, words.change);
    const tell = (look, text, ...buttons) => [element(`span.${look}`, {}, text), element("span.choices", {}, buttons)];
    switch (entry.state) {
      case "sent": return [element("span.sent", {}, words.sent)];
      case "offline": return tell("late", words.offlineState);
      case "held": return tell("late", words.held, again);
      case "unconfirmed": return tell("bad", words.unconfirmed, again);
      case "filesLost": return tell("bad", words.filesLost, rewrite);
      case "refused": return tell("bad", `${words.refused} ${this.whyOf(entry.why)}`, again, rewrite);
      default: return [element("span", {}, entry.progress > 0 ? words.uploading.replace("{n}", entry.progress) : words.sending)];
    }
  }

  /** The server's own sentences are English; elsewhere its status says enough. */
  whyOf({ status, sentences }) {
    const { words } = this;
    if (status === 404 || status === 401) return words.gonePlain;
    if (sentences && words.lang === "en") return sentences;
    return words.why[status] ?? words.why[status >= 500 ? 500 : 422];
  }
}

function isOf(entry, { text, at, files = [] }) {
  const since = Date.parse(at) >= Date.parse(entry.at) - CLOCKS;
  return since && entry.text.trim() === text.trim() && files.length === entry.names.length;
}
