// One escalation that is open at the desk: read it, claim it, decide it, and say what changed when somebody was quicker.

import { BY_ITSELF } from "../console/session.js";
import { byId, element } from "../elements.js";
import { tickingTime } from "../moments.js";
import { Refused, asSentence } from "../requests.js";
import { escalationContext, showSource } from "./context.js";
import { DecisionBar } from "./decision.js";
import { severity } from "./list.js";
import { proposal, transcript } from "./talk.js";
import { channelName, languageName } from "./words.js";

const DONE = {
  approve: "Approved. The answer goes out now.",
  edit: "Decided. Your text goes out now.",
  answer: "Decided. Your answer goes out now.",
  reject: "Rejected. The assistant writes another draft; it comes back here.",
  take_over: "You have taken over.",
};

const HELD = {
  approve: "Approved.",
  edit: "Decided, with your text.",
  answer: "Decided, with your answer.",
};

export class OpenEscalation {
  /**
   * @param {{session: Object, drafts: Object, panes: Object, beside: Object, onClaim: Function, onDecided: Function}} options
   *   `panes` shows parts of the desk; `onDecided` gets the action and the escalation
   */
  constructor({ session, drafts, panes, beside, onClaim, onDecided }) {
    Object.assign(this, { session, drafts, panes, beside, onClaim, onDecided });
    this.talk = byId("talk");
    this.bar = new DecisionBar(byId("bar"), { drafts, decide: (decision) => this.decide(decision) });
    this.detail = null;
    this.changes = null;
  }

  /**
   * @param {{focus?: boolean, byItself?: boolean}} [options] `byItself`: nobody asked for it, so a decision still stands
   *   for what was there before, and is refused, until the reviewer says that they have read what is new
   */
  async open(id, { focus = true, byItself = false } = {}) {
    this.wanted = id;
    if (this.detail?.id !== id) {
      this.detail = null;
      this.changes = null;
      this.missed = false;
      this.bar.clear();
      this.panes.loading();
    }
    try {
      const detail = await this.session.call(`/escalations/${id}`, byItself ? BY_ITSELF : {});
      if (this.wanted !== id) return;
      if (this.detail?.id === id) this.changes = sinceOpened(this.detail, detail, this.changes);
      this.detail = detail;
      if (!byItself) this.version = detail.version;
      this.beside.show(detail.case_id, { byItself });
      this.claimedBy = detail.claimed_by;
      this.draw(focus);
    } catch (error) {
      if (this.wanted === id) this.panes.failed(error, () => this.open(id));
    }
  }

  /** A decision was taken back: the field is open again with what was typed. */
  async reopen(id, action, text) {
    if (text) this.drafts.set(id, action, text);
    await this.open(id);
    if (text && this.detail?.id === id) this.bar.press(action);
  }

  close() {
    this.wanted = null;
    this.detail = null;
    this.changes = null;
    this.bar.clear();
  }

  /** The queue was read again: somebody may have claimed this one, or decided it. */
  follow(item) {
    if (!this.detail || this.detail.status !== "open" || this.bar.busy) return;
    if (item === null) {
      // Every reading is written down, so one is enough to learn what became of it.
      if (!this.missed) this.open(this.detail.id, { focus: false, byItself: true });
      this.missed = true;
      return;
    }
    this.missed = false;
    if (item.claimed_by === this.claimedBy) return;
    this.claimedBy = item.claimed_by;
    this.drawClaim();
    this.bar.show(this.detail, this.heldBy);
  }

  /** Who else is at it; null when nobody is, or when it may be the reviewer themselves. */
  get heldBy() {
    return this.session.name && this.claimedBy !== this.session.name ? this.claimedBy : null;
  }

  async claim() {
    if (!this.detail || this.detail.status !== "open") return;
    const { id } = this.detail;
    const mine = Boolean(this.claimedBy) && this.claimedBy === this.session.name;
    try {
      await this.session.call(`/escalations/${id}/claim`, { method: mine ? "DELETE" : "POST" });
      const item = await this.onClaim(id);
      if (this.detail?.id !== id) return;
      this.claimedBy = item?.claimed_by ?? null;
      this.drawClaim();
      this.bar.show(this.detail, this.heldBy);
      this.panes.say(mine ? "Released. Others can take it now." : "Claimed. It is yours for 15 minutes.");
    } catch (error) {
      await this.conflict(error, id, "It could not be claimed.");
    }
  }

  async decide(decision) {
    const { version } = this;
    const { id } = this.detail;
    let answer;
    try {
      answer = await this.session.call(`/escalations/${id}/decision`, {
        method: "POST", body: { ...decision, version, undoable: true },
      });
    } catch (error) {
      const conflict = await this.conflict(error, id, "Nothing was decided.");
      if (conflict) return "";
      return error instanceof Refused
        ? `${error.sentences} Nothing was decided`
        : `${error.sentences} It may have been decided all the same. Try again: nothing can be decided twice`;
    }
    const decided = this.detail;
    this.drafts.remove(id);
    this.close();
    const held = answer?.undo_seconds > 0;
    const done = held ? HELD[decision.action] : DONE[decision.action];
    this.onDecided(decision.action, decided, { done, seconds: held ? answer.undo_seconds : 0, text: decision.text });
    return "";
  }

  /** After a 409: shows what is there now, under a notice that says what is different. What was typed stays. */
  async conflict(error, id, outcome) {
    if (!(error instanceof Refused) || error.status !== 409) {
      if (outcome !== "Nothing was decided.") this.panes.say(`${error.sentences} ${outcome}`, "bad");
      return false;
    }
    this.changes = { ...error.changes, message: error.message, hint: error.hint, outcome };
    await this.open(id, { focus: false });
    byId("changed")?.focus();
    return true;
  }

  draw(focus) {
    const { detail } = this;
    const later = new Set(detail.later_messages.map((line) => line.id));
    const { evidence } = detail.request.mood;
    const about = { customer: detail.customer, evidence, texts: detail.request.messages };
    const earlier = detail.transcript.filter((line) => !later.has(line.id));
    this.claimBox = element("div.claim");
    // First the bar: it takes its height from the talk, which then scrolls to the proposal.
    this.bar.show(detail, this.heldBy);
    this.panes.show({
      title: detail.customer.name ?? "Customer without a name",
      facts: [
        severity(detail.severity),
        detail.status === "open" && tickingTime(detail.reply_by ?? detail.due_at, "left"),
        element("span", {}, channelName(detail.channel)),
        detail.customer.language && element("span", {}, languageName(detail.customer.language)),
      ],
      aside: this.claimBox,
      content: [
        transcript(earlier, about),
        detail.later_messages.length > 0 && element("h3.later", {}, "Written after this proposal"),
        detail.later_messages.length > 0 && transcript(detail.later_messages, about),
        this.notice(),
        detail.status === "open" && proposal(detail.request, (number) => this.showSource(number)),
      ],
      context: escalationContext(detail, (number) => this.showSentence(number), this.session, this.beside),
      end: detail.status === "open" ? ".proposal" : ".decided",
      focus,
    });
    this.drawClaim();
  }

  drawClaim() {
    if (!this.claimBox) return;
    const mine = Boolean(this.claimedBy) && this.claimedBy === this.session.name;
    const button = element(
      "button",
      { type: "button", "aria-keyshortcuts": "c", onclick: () => this.claim() },
      mine ? "Release" : "Claim",
      element("kbd", { "aria-hidden": "true" }, "c"),
    );
    const focused = this.claimBox.contains(document.activeElement);
    this.claimBox.replaceChildren(
      ...[
        this.claimedBy && element("span.holder", {}, mine ? "You are at it" : `${this.claimedBy} is at it`),
        this.detail.status === "open" && !this.heldBy && button,
      ].filter(Boolean),
    );
    if (focused) button.focus();
  }

  notice() {
    const { detail, changes } = this;
    if (detail.status !== "open") {
      return element(
        "section.notice.warn.decided",
        { id: "changed", tabindex: "-1", "aria-label": "Decided" },
        element("h3", {}, detail.decided ? `Already decided: ${detail.decided.replaceAll("_", " ")}` : "This needs no decision any more"),
        this.kept(),
      );
    }
    if (!changes) return null;
    const list = whatChanged(changes);
    return element(
      "section.notice.warn",
      { id: "changed", tabindex: "-1", "aria-label": "What changed" },
      element("h3", {}, list.length ? "This changed since you opened it" : asSentence(changes.message)),
      element("p", {}, `${changes.outcome ?? ""} ${this.bar.mode ? "Your text is kept below." : "Read it again, then decide."}`),
      list.length > 0 && element("ul", {}, list.map((item) => element("li", { dir: "auto" }, item))),
      this.version !== detail.version &&
        element(
          "button.small",
          { type: "button", "aria-keyshortcuts": "i", onclick: () => this.acknowledge() },
          "I have read it",
          element("kbd", { "aria-hidden": "true" }, "i"),
        ),
    );
  }

  /** From now on a decision stands for what is there now. */
  acknowledge() {
    if (!this.detail || this.version === this.detail.version) return;
    this.version = this.detail.version;
    this.changes = null;
    this.draw(false);
    this.talk.focus();
  }

  /** A text for which somebody else was quicker: not sent, and not lost. */
  kept() {
    const texts = ["edit", "answer"].map((mode) => this.drafts.get(this.detail.id, mode)).filter(Boolean);
    if (!texts.length) return element("p", {}, "Nothing is left to do here.");
    return element(
      "details",
      { open: true },
      element("summary", {}, "Your text was not sent"),
      texts.map((text) => element("blockquote", { dir: "auto" }, text)),
    );
  }

  showSource(number) {
    this.panes.switchTo("context");
    showSource(number);
  }

  showSentence(number) {
    this.panes.switchTo("talk");
    const sentence = [...this.talk.querySelectorAll(".cited")].find((link) =>
      link.dataset.sources.split(" ").includes(String(number)),
    );
    sentence?.focus();
    sentence?.scrollIntoView({ block: "nearest" });
  }
}

/** What is different from what was on the screen, after it was read again by itself. What a 409 said stays. */
function sinceOpened(before, now, known) {
  if (now.status !== "open") return known;
  const seen = new Set(before.transcript.map((line) => line.id));
  const texts = now.transcript.filter((line) => line.author === "customer" && !seen.has(line.id)).map((line) => line.text);
  const changed = before.request.proposal !== now.request.proposal;
  if (!texts.length && !changed) return known;
  return {
    ...known,
    status: now.status,
    proposal_changed: changed || known?.proposal_changed,
    new_messages: [...(known?.new_messages ?? []), ...texts.filter((text) => !known?.new_messages?.includes(text))],
  };
}

function whatChanged({ claimed_by: claimedBy, proposal_changed: changed, new_messages: messages, status }) {
  return [
    ...(messages ?? []).map((text) => `The customer wrote: “${text}”`),
    changed && "The proposal is another one now.",
    status === "open" && claimedBy && `${claimedBy} is at it.`,
  ].filter(Boolean);
}
