// One case that is open at the desk: the talk, a field to write to the customer, hand back and resolve.

import { BY_ITSELF } from "../console/session.js";
import { byId, element, growWithText, setFieldError } from "../elements.js";
import { tickingTime } from "../moments.js";
import { Refused, randomKey } from "../requests.js";
import { addressOf } from "./address.js";
import { caseContext } from "./context.js";
import { severity } from "./list.js";
import { transcript } from "./talk.js";
import { channelName, languageName } from "./words.js";

const LONGEST = 20_000;
/** A take-over and a sending are applied by others within moments: looked for so often, in milliseconds. */
const SOON = [700, 1_500, 3_000, 6_000];

export class OpenCase {
  /**
   * @param {{session: Object, drafts: Object, panes: Object, beside: Object, undo: Object, onDone: Function,
   *   onApplied: Function}} options `onApplied`: what was waited for has come about
   */
  constructor({ session, drafts, panes, beside, undo, onDone, onApplied }) {
    Object.assign(this, { session, drafts, panes, beside, undo, onDone, onApplied });
    this.bar = byId("bar");
    for (const action of ["resolve", "hand-back"]) {
      const dialog = byId(`confirm-${action}`);
      dialog.addEventListener("close", () => { if (dialog.returnValue === action) this.act(action); });
    }
    this.detail = null;
  }

  /** @param {{focus?: boolean, until?: Function}} [options] `until`: read again soon, until this holds of the case */
  async open(id, { focus = true, until } = {}) {
    this.wanted = id;
    clearTimeout(this.timer);
    if (this.detail?.id !== id) {
      this.detail = null;
      this.bar.replaceChildren();
      this.panes.loading();
    }
    await this.read(id, focus);
    if (until) this.watch(id, until, 0);
  }

  close() {
    clearTimeout(this.timer);
    this.wanted = null;
    this.detail = null;
    this.bar.replaceChildren();
  }

  /** The list was read again: something new waits, or somebody else wrote. */
  follow(item) {
    if (!this.detail) return;
    const listed = item ? stateOf(item.owner_name, item.waiting, item.waiting_since) : "nobody's";
    // Every reading is written down: once for each state of the list, even if the two never agree.
    if (listed === this.shown || listed === this.readFor) return;
    this.readFor = listed;
    this.read(this.detail.id, false, BY_ITSELF);
  }

  async read(id, focus, asked = {}) {
    try {
      const detail = await this.session.call(`/cases/${id}`, asked);
      if (this.wanted !== id) return;
      if (this.detail?.id !== id) this.readFor = null;
      this.detail = detail;
      this.beside.show(id, { byItself: asked === BY_ITSELF });
      const waiting = detail.transcript.filter((line) => line.state === "human");
      this.shown = detail.owner === "human" && detail.status === "open"
        ? stateOf(detail.owner_name, waiting.length, waiting[0]?.at ?? null)
        : "nobody's";
      this.draw(focus);
    } catch (error) {
      if (this.wanted !== id) return;
      if (this.detail) this.panes.say(`${error.sentences} The conversation may have gone on.`, "bad");
      else this.panes.failed(error, () => this.open(id));
    }
  }

  watch(id, until, round) {
    if (this.wanted !== id || round >= SOON.length) return;
    if (this.detail && until(this.detail)) {
      this.onApplied();
      return;
    }
    this.timer = setTimeout(async () => {
      await this.read(id, false);
      this.watch(id, until, round + 1);
    }, SOON[round]);
  }

  draw(focus) {
    const { detail } = this;
    const stuck = this.panes.talk.scrollHeight - this.panes.talk.scrollTop - this.panes.talk.clientHeight < 40;
    this.drawBar();
    this.panes.show({
      title: nameOf(detail),
      facts: [
        detail.asked_for && severity(detail.asked_for.severity),
        detail.asked_for?.due_at && tickingTime(detail.asked_for.due_at, "left"),
        element("span", {}, this.ownership()),
        element("span", {}, channelName(detail.channel)),
        detail.customer.language && element("span", {}, languageName(detail.customer.language)),
      ],
      aside: detail.escalation_id &&
        element("a.button", { href: addressOf("escalation", detail.escalation_id) }, "Open the decision"),
      content: [transcript(detail.transcript, { customer: detail.customer }), this.withheld()],
      context: caseContext(detail, this.beside),
      end: ".lines > :last-child",
      focus,
    });
    if (!focus && stuck) this.panes.reveal(".lines > :last-child");
    if (this.toWrite === detail.id && detail.owner === "human") {
      this.toWrite = null;
      this.text?.focus();
    }
  }

  ownership() {
    if (this.detail.status === "resolved") return "Resolved";
    if (this.detail.owner === "agent") return "With the assistant";
    if (this.detail.owner_name === null) return "With a person";
    return this.detail.owner_name === this.session.name ? "With you" : `With ${this.detail.owner_name}`;
  }

  withheld() {
    const draft = this.detail.withheld_draft;
    if (!draft || this.detail.owner !== "human") return null;
    const use = () => {
      this.text.value = [this.text.value.trim(), draft].filter(Boolean).join("\n\n");
      this.text.dispatchEvent(new Event("input"));
      this.text.focus();
    };
    return element(
      "section.proposal.withheld",
      { "aria-labelledby": "withheld-title" },
      element("header", {}, element("h3", { id: "withheld-title" }, "The assistant’s draft, not sent")),
      element("div.text", { dir: "auto" }, draft),
      element("button", { type: "button", onclick: use }, "Put it into my text"),
    );
  }

  /** The field stays as it is while somebody writes in it. */
  drawBar() {
    const { id, owner, status } = this.detail;
    const shape = `${id} ${owner} ${status}`;
    if (this.bar.dataset.shape === shape && this.bar.firstChild) return;
    this.bar.dataset.shape = shape;
    if (status === "resolved") this.bar.replaceChildren();
    else if (owner === "agent") this.bar.replaceChildren(this.takeOver());
    else this.bar.replaceChildren(this.writer());
    if (owner === "human" && status !== "resolved") this.fit = growWithText(this.text);
  }

  takeOver() {
    return element(
      "div.decisions",
      {},
      element("button.primary", { type: "button", onclick: () => this.act("take-over") }, "Take over", kbd("t")),
    );
  }

  writer() {
    this.text = element("textarea", { id: "case-text", rows: "3", dir: "auto" });
    this.text.value = this.drafts.get(this.detail.id, "write") ?? "";
    this.key = this.text.value ? this.drafts.get(this.detail.id, "key") ?? randomKey() : randomKey();
    this.text.addEventListener("input", () => this.onInput());
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    return element(
      "form.editor",
      { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.send(); } },
      element("div.field", {}, element("label", { for: "case-text" }, "Write to the customer"), this.text),
      element(
        "div.choices",
        {},
        element("button.primary", {}, "Send", kbd("Ctrl Enter")),
        element("button", { type: "button", onclick: () => this.ask("hand-back") }, "Hand back", kbd("h")),
        element("button", { type: "button", onclick: () => this.ask("resolve") }, "Resolve", kbd("d")),
      ),
    );
  }

  onInput() {
    // Another text is another message, so it gets another key.
    this.key = randomKey();
    this.drafts.set(this.detail.id, "write", this.text.value);
    this.drafts.set(this.detail.id, "key", this.key);
    this.fit();
    if (this.text.getAttribute("aria-invalid")) setFieldError(this.text, this.wrong());
  }

  onKey(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.panes.talk.focus();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.send();
    }
  }

  wrong() {
    const length = [...this.text.value.trim()].length;
    if (length === 0) return "Enter a message";
    return length > LONGEST ? `Shorten the text by ${(length - LONGEST).toLocaleString()} characters` : "";
  }

  async send() {
    if (this.busy) return;
    const message = this.wrong();
    setFieldError(this.text, message);
    if (message) {
      this.text.focus();
      return;
    }
    const { id } = this.detail;
    this.panes.say("");
    this.lock(true);
    try {
      const text = this.text.value.trim();
      const sent = await this.session.call(`/cases/${id}/messages`, {
        method: "POST", body: { text, undoable: true }, headers: { "Idempotency-Key": this.key },
      });
      this.text.value = "";
      this.onInput();
      this.drafts.remove(id);
      const held = sent?.undo_seconds > 0;
      await this.open(id, { focus: false, until: held ? undefined : delivered });
      if (held) {
        this.undo.offer({
          done: `Your message to ${nameOf(this.detail)} is held back.`,
          seconds: sent.undo_seconds,
          path: `/cases/${id}/messages/${sent.message_id}`,
          onUndone: () => this.unsent(id, text),
          onGone: () => {
            if (this.wanted !== id) return;
            this.panes.say("Sent.");
            this.watch(id, delivered, 0);
          },
        });
      }
      this.panes.reveal(".lines > :last-child");
    } catch (error) {
      if (this.session.over) return;
      const doubt = error instanceof Refused ? "Nothing was sent" : "It may have been sent. Try again: it arrives once only";
      setFieldError(this.text, `${error.sentences} ${doubt}`);
      if (error instanceof Refused && error.status === 409) await this.read(id, false);
    } finally {
      this.lock(false);
      if (!this.session.over) this.text.focus();
    }
  }

  /** A message was taken back: its text is in the field again, before what was begun since. */
  async unsent(id, text) {
    const begun = this.drafts.get(id, "write");
    this.drafts.set(id, "write", [text, begun].filter(Boolean).join("\n\n"));
    this.drafts.set(id, "key", randomKey());
    if (this.wanted !== id) return;
    this.bar.replaceChildren();
    await this.read(id, false);
    this.text?.focus();
  }

  /** The way into the field. */
  write() {
    this.text?.focus();
  }

  lock(busy) {
    this.busy = busy;
    for (const button of this.bar.querySelectorAll("button")) button.disabled = busy;
  }

  /** @param {"hand-back"|"resolve"} action that can't be undone, so it is asked for twice */
  ask(action) {
    if (this.busy || this.detail?.owner !== "human" || this.detail.status === "resolved") return;
    const dialog = byId(`confirm-${action}`);
    dialog.querySelector(".unsent").hidden = !this.text?.value.trim();
    dialog.returnValue = "";
    dialog.showModal();
  }

  /** The case becomes this reviewer's within moments: then they write in it. */
  awaitWriter(id) {
    this.toWrite = id;
  }

  /** @param {"take-over"|"hand-back"|"resolve"} action */
  async act(action) {
    if (this.busy || !this.detail) return;
    const fits = action === "take-over" ? this.detail.owner === "agent" : this.detail.owner === "human";
    if (!fits || this.detail.status === "resolved") return;
    const { id } = this.detail;
    this.lock(true);
    try {
      await this.session.call(`/cases/${id}/${action}`, { method: "POST" });
      this.lock(false);
      if (action === "take-over") {
        this.awaitWriter(id);
        await this.open(id, { focus: false });
      } else {
        this.close();
        this.onDone(id, action === "resolve" ? "Resolved." : "Handed back. The assistant answers from here on.");
      }
    } catch (error) {
      this.lock(false);
      this.panes.say(`${error.sentences} The case is as it was.`, "bad");
    }
  }
}

/** What the list and the case say of each other, in a form that can be compared. */
function stateOf(owner, waiting, since) {
  return [owner, waiting, since === null ? "" : Date.parse(since)].join(" ");
}

function nameOf({ customer }) {
  return customer.name ?? "Customer without a name";
}

function delivered(detail) {
  return detail.transcript.every((line) => line.delivery !== "pending" && line.delivery !== "sending");
}

function kbd(key) {
  return element("kbd", { "aria-hidden": "true" }, key);
}
