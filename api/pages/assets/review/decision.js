// The bar under the talk: the decisions that are possible, and the field in which a text or a reason is written.

import { element, growWithText, setFieldError } from "../elements.js";

export const LONGEST = { edit: 20_000, answer: 20_000, reject: 2_000 };

const BUTTONS = [
  { action: "approve", key: "a", label: "Approve" },
  { action: "edit", key: "e", label: "Edit" },
  { action: "answer", key: "r", label: "Answer instead" },
  { action: "reject", key: "x", label: "Reject" },
  { action: "take_over", key: "t", label: "Take over" },
];

const MODES = {
  edit: {
    label: "Edit the answer",
    send: "Send to the customer",
    empty: "Enter the answer that the customer gets",
    hint: "The customer gets exactly this text. Their reply goes to the assistant; take over to keep the case.",
  },
  answer: {
    label: "Answer in your own words",
    send: "Send to the customer",
    empty: "Enter the answer that the customer gets",
    hint: "The customer gets exactly this text. Their reply goes to the assistant; take over to keep the case.",
  },
  reject: {
    label: "What is wrong with this draft?",
    send: "Reject the draft",
    empty: "Enter what is wrong, so that the next draft is better",
    hint: "The customer does not see this. The assistant reads it and tries once more; if it knows no better, the same comes back.",
  },
};

export class DecisionBar {
  /**
   * @param {HTMLElement} box
   * @param {{drafts: import("./drafts.js").Drafts, decide: Function}} options `decide` gets {action, text?, reason?,
   *   covers_later?} and resolves to an error message, or to nothing
   */
  constructor(box, { drafts, decide }) {
    Object.assign(this, { box, drafts, decide });
    this.detail = null;
    this.mode = null;
    this.busy = false;
  }

  /** Shows what can be decided. With the same escalation again, an open field keeps its text, and the focus stays. */
  show(detail, heldBy) {
    const same = this.detail?.id === detail.id;
    const typing = this.box.contains(document.activeElement);
    if (!same) this.mode = null;
    this.detail = detail;
    this.heldBy = heldBy;
    if (detail.status !== "open" || !detail.request.actions.includes(this.mode)) this.mode = null;
    const written = same && this.mode && this.area?.isConnected && this.area.value !== this.begun;
    if (written) {
      this.showLater();
      this.lock();
    } else {
      this.draw();
      if (typing && this.mode) this.area.focus();
    }
  }

  clear() {
    this.detail = null;
    this.mode = null;
    this.box.replaceChildren();
  }

  get blocked() {
    return this.busy || this.detail === null || this.detail.status !== "open" || Boolean(this.heldBy);
  }

  /** A button or its key. */
  press(action) {
    if (this.blocked || !this.detail.request.actions.includes(action)) return;
    if (MODES[action]) this.open(action);
    else if (this.mode && this.area.value.trim() && this.area.value !== this.begun) {
      this.complain("You have begun a text. Send it, or close the field first");
    } else if (action === "approve" && !this.detail.request.answered && this.warned !== this.detail.version) {
      this.warned = this.detail.version;
      this.complain("This text gives no information. Approve once more to send it all the same");
    } else this.submit({ action });
  }

  open(mode) {
    this.mode = mode;
    this.draw();
    this.area.focus();
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
  }

  /** The text stays and comes back with the same button. */
  close() {
    const mode = this.mode;
    this.mode = null;
    this.draw();
    this.box.querySelector(`[data-action="${mode}"]`)?.focus();
  }

  draw() {
    if (!this.detail || this.detail.status !== "open") this.box.replaceChildren();
    else this.box.replaceChildren(...(this.mode ? [this.editor()] : this.buttons()));
    if (this.mode) this.fit = growWithText(this.area);
    this.lock();
  }

  buttons() {
    const { actions, answered } = this.detail.request;
    // Who knows nothing has nothing to approve, and nothing to say to the next message of an emergency.
    const first = answered ? actions[0] : this.detail.severity === "P1" ? "take_over" : "answer";
    const buttons = element(
      "div.decisions",
      { role: "group", "aria-label": "Decide" },
      BUTTONS.filter(({ action }) => actions.includes(action)).map(({ action, key, label }) =>
        element(
          action === first ? "button.primary" : "button",
          { type: "button", data: { action }, "aria-keyshortcuts": key, onclick: () => this.press(action) },
          label,
          element("kbd", { "aria-hidden": "true" }, key),
        ),
      ),
    );
    return [element("p.hint.whose", {}, "The assistant reads the customer’s reply, unless you take over."), buttons];
  }

  editor() {
    const words = MODES[this.mode];
    const proposed = this.mode === "edit" ? this.detail.request.proposal : "";
    this.begun = proposed;
    this.area = element("textarea", { id: "decision-text", rows: "4", dir: "auto", "aria-describedby": "decision-hint" });
    this.area.value = this.drafts.get(this.detail.id, this.mode) ?? proposed;
    this.area.addEventListener("input", () => this.onInput());
    this.area.addEventListener("keydown", (event) => this.onKey(event));
    this.later = element("div");
    this.showLater();
    return element(
      "form.editor",
      { novalidate: true, onsubmit: (event) => { event.preventDefault(); this.send(); } },
      element(
        "div.field",
        {},
        element("label", { for: "decision-text" }, words.label),
        element("p.hint", { id: "decision-hint" }, words.hint),
        this.area,
      ),
      this.later,
      element(
        "div.choices",
        {},
        element("button.primary", {}, words.send, element("kbd", { "aria-hidden": "true" }, "Ctrl Enter")),
        element("button", { type: "button", onclick: () => this.close() }, "Close", element("kbd", { "aria-hidden": "true" }, "Esc")),
      ),
    );
  }

  /** Only a text of the reviewer's own can answer what came after the proposal. Asked anew for every new message. */
  showLater() {
    const count = this.detail.later_messages.length;
    if (this.mode === "reject" || count === 0) return this.later.replaceChildren();
    this.covers = element("input", { type: "checkbox", id: "covers-later" });
    const label = count === 1 ? "My text also answers the newer message" : `My text also answers the ${count} newer messages`;
    return this.later.replaceChildren(element("label.choice", {}, this.covers, label));
  }

  onInput() {
    this.drafts.set(this.detail.id, this.mode, this.area.value);
    if (this.area.getAttribute("aria-invalid")) setFieldError(this.area, this.wrong());
  }

  onKey(event) {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.send();
    }
  }

  wrong() {
    const length = [...this.area.value.trim()].length;
    if (length === 0) return MODES[this.mode].empty;
    const over = length - LONGEST[this.mode];
    return over > 0 ? `Shorten the text by ${over.toLocaleString()} characters` : "";
  }

  send() {
    if (this.blocked) return;
    const message = this.wrong();
    setFieldError(this.area, message);
    if (message) {
      this.area.focus();
      return;
    }
    const text = this.area.value.trim();
    const covers = this.covers?.isConnected && this.covers.checked;
    this.submit({
      action: this.mode,
      ...(this.mode === "reject" ? { reason: text } : { text }),
      ...(covers ? { covers_later: true } : {}),
    });
  }

  async submit(decision) {
    this.busy = true;
    this.lock();
    const failure = await this.decide(decision);
    this.busy = false;
    this.lock();
    if (failure) this.complain(failure);
  }

  complain(message) {
    if (this.mode) {
      setFieldError(this.area, message);
      this.area.focus();
      return;
    }
    this.box.querySelector(".error")?.remove();
    this.box.prepend(element("p.error", { role: "alert" }, element("span.unseen", {}, "Error: "), message));
  }

  /** Nothing can be pressed twice while a decision is on its way, or while somebody else is at it. */
  lock() {
    for (const button of this.box.querySelectorAll(".decisions button, button.primary")) button.disabled = this.blocked;
  }
}
