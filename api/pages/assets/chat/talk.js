// One conversation in the panel, remembered on this device until it is forgotten on purpose.
//
// The token and what is unsent lie in localStorage: an answer by a person may take a working day, longer than a tab lives,
// and every tab of a visitor shows the same. Only an unfinished text belongs to its tab and lies in sessionStorage.

import { element } from "../elements.js";
import { Memory } from "../memory.js";
import { Asks } from "./asks.js";
import { Composer } from "./composer.js";
import { icon } from "./icons.js";
import { Live } from "./live.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { post } from "./post.js";
import { proof, standing } from "./proof.js";
import { Views } from "./views.js";

const PREFIX = "csagent.";

export class Talk {
  /**
   * @param {{host: string, words: Object, body: HTMLElement, onToken: Function, onReply: (position: number) => void}} options
   *   `body` is the panel's; `onToken` hears of the conversation, or that there is none; `onReply` hears of what others
   *   wrote and nobody has seen, on this page or on one before it
   */
  constructor({ host, words, body, onToken, onReply }) {
    Object.assign(this, { host, words, onToken, onReply });
    this.device = new Memory("localStorage", PREFIX);
    this.live = null;
    this.build(body);
    this.outbox = new Outbox({
      memory: this.device,
      token: () => this.token,
      post: (entry, token, onProgress) => post(host, entry, token, onProgress),
      onChange: (entry) => this.log.show(entry),
      onSent: (entry, answer) => this.sent(entry, answer),
      onElsewhere: (entry, dropped) => (dropped ? this.log.drop(entry) : this.log.settle(entry)),
      onGone: () => this.showGone(),
    });
    addEventListener("offline", () => this.showLost());
    addEventListener("online", () => {
      if (this.live) this.live.hurry();
      else this.lost.hidden = true;
      this.outbox.resume();
    });
    addEventListener("storage", (event) => this.hear(event));
    document.addEventListener("visibilitychange", () => this.live?.seen());
    this.redraw();
    this.outbox.resume();
  }

  get token() {
    return this.device.get("token");
  }

  build(body) {
    const { words } = this;
    this.why = element("strong");
    this.lost = element("p.notice", { hidden: true }, this.why, " ", words.kept);
    this.gone = element(
      "div.notice.bad", { hidden: true },
      element("h2", {}, words.gone),
      element("p", {}, words.goneText),
      element("button", { type: "button", onclick: () => this.salvage() }, words.goneFresh),
    );
    this.loader = element("p.loading", { role: "status", hidden: true }, words.loading);
    this.earlier = element("button.link", { type: "button", hidden: true, onclick: () => this.prove() }, words.earlier);
    this.intro = element(
      "div.intro", {}, element("span.mark", {}, icon("chat")), element("h2", {}, words.welcome),
      element("p", {}, words.disclosure),
      this.earlier,
    );
    this.asks = new Asks({
      host: this.host, words, token: () => this.token,
      onShow: () => this.log?.toEnd(),
      onOpen: () => this.composer.text.focus(),
      onPerson: () => this.composer.send(true),
    });
    this.log = new Log({
      words, host: this.host, before: this.intro, after: this.asks.box,
      actions: {
        retry: (entry) => this.outbox.retry(entry),
        rewrite: (entry) => {
          this.outbox.remove(entry, true);
          this.log.drop(entry);
          this.composer.restore(entry.text, entry.files);
        },
      },
    });
    this.working = element(
      "p", { hidden: true }, element("span.dots", { "aria-hidden": "true" }, element("i"), element("i"), element("i")), words.working,
    );
    // Without storage the conversation ends with the page, and nothing else is promised.
    this.person = element(
      "p", { hidden: true }, element("span.dot", { "aria-hidden": "true" }),
      element("span", {}, words.colleague, this.device.lasting && ` ${words.stay}`),
    );
    this.composer = new Composer({
      memory: new Memory("sessionStorage", PREFIX), words, over: body,
      onSend: (message) => {
        this.composer.askWho(false);
        this.asks.clear();
        this.outbox.add(message);
      },
    });
    const talk = element(
      "div.talk", {},
      element("div.notices", { role: "status" }, this.lost, this.gone),
      element("div.pages", {}, this.loader, this.log.box, this.log.latest),
      element("div.activity", { role: "status" }, this.working, this.person),
      this.composer.form,
    );
    body.append(talk);
    this.views = new Views({ body, covered: talk, words });
  }

  /** Shows the conversation of the token from its beginning, or that there is none. */
  redraw() {
    this.log.clear();
    this.outbox.entries.forEach((entry) => this.log.show(entry));
    return this.follow();
  }

  /** Follows the conversation of the token from here on, if there is one. */
  follow() {
    const { token } = this;
    this.composer.askWho(token === null && this.outbox.entries.length === 0);
    this.onToken(token);
    this.live?.stop();
    this.live = null;
    this.gone.hidden = true;
    this.lost.hidden = true;
    this.loader.hidden = true;
    this.showActivity("idle", null);
    this.known = null;
    this.earlier.hidden = true;
    if (token === null) return undefined;
    this.live = new Live({
      host: this.host, token,
      onMessage: (message) => {
        this.log.add(message);
        // How far somebody has read is remembered: a reply that comes between two pages is new on the second.
        if (message.author !== "customer" && message.position > this.device.get("seen")) this.onReply(message.position);
      },
      onActivity: (activity, asks) => this.showActivity(activity, asks),
      onState: (state) => this.showState(state),
    });
    return this.live.run();
  }

  /** Everything up to here was in view. */
  see(position) {
    this.device.set("seen", position);
  }

  sent(entry, answer) {
    this.log.confirm(entry, answer.message_id);
    if (this.token !== null) return;
    this.device.set("token", answer.conversation_token);
    this.follow();
  }

  /** Another tab began or forgot a conversation, or wrote something: this one shows the same. */
  hear({ key, oldValue, newValue }) {
    if (!key?.startsWith(PREFIX)) return;
    const name = key.slice(PREFIX.length);
    if (name === "token") this.redraw();
    else this.outbox.follow(name, oldValue, newValue);
  }

  showActivity(activity, asks) {
    this.working.hidden = activity !== "working";
    this.person.hidden = activity !== "person";
    this.composer.person.hidden = activity === "person";
    this.asks.show(asks);
  }

  showState(state) {
    this.log.box.setAttribute("aria-busy", state === "loading");
    this.loader.hidden = state !== "loading" || !this.log.empty;
    if (state === "gone") this.showGone();
    else if (state === "lost") this.showLost();
    else if (state === "live") {
      this.lost.hidden = true;
      if (!this.known) this.offerEarlier();
      this.outbox.resume();
    }
  }

  showLost() {
    const { words } = this;
    this.why.textContent = navigator.onLine ? words.lost : words.offline;
    this.lost.hidden = false;
  }

  showGone() {
    this.live?.stop();
    this.lost.hidden = true;
    this.loader.hidden = true;
    this.gone.hidden = false;
    this.showActivity("idle", null);
  }

  askToForget() {
    const { words } = this;
    const unsent = this.outbox.entries.length > 0;
    this.views.open(
      words.forget,
      element("p", {}, words.forgetText),
      unsent && element("p.error", {}, words.forgetUnsent),
      element("button.primary", { type: "button", onclick: () => this.views.close() }, words.keep),
      element("button.danger", { type: "button", onclick: () => { this.views.close(); this.forget(); } }, words.forgetYes),
    );
  }

  /** Nothing of the conversation stays on this device; a text that is being written does. */
  forget() {
    this.device.remove("token");
    this.device.remove("seen");
    this.outbox.clear();
    this.redraw();
    this.composer.text.focus();
  }

  /** What was refused with the old conversation is worth asking in the new one. */
  salvage() {
    [...this.outbox.entries].reverse().forEach(({ text, files }) => this.composer.restore(text, files));
    this.forget();
  }

  /** Offers what was said earlier, where there is a conversation and something to prove it with. */
  async offerEarlier() {
    const { token } = this;
    this.known = token && await standing(this.host, token);
    this.earlier.hidden = !(this.known?.proven || this.known?.can_prove.includes("email"));
  }

  prove() {
    const { host, words, token: key } = this;
    const { proven } = this.known;
    this.views.open(words.earlier, proof({ host, words, key, proven, draw: (message) => this.log.draw(message) }));
  }
}
