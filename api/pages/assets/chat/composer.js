// The form that a message is written in: its checks, its keys, and what is kept of an unfinished text.

import { byId, growWithText, setFieldError } from "../elements.js";

export const LONGEST = 20_000;
const NEAR = 18_000;
const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

export class Composer {
  /**
   * @param {{memory: import("../memory.js").Memory, onSend: (text: string, who: Object) => void}} options
   */
  constructor({ memory, onSend }) {
    this.memory = memory;
    this.onSend = onSend;
    this.form = byId("composer");
    this.text = byId("text");
    this.counter = byId("counter");
    this.who = byId("who");
    this.name = byId("name");
    this.email = byId("email");
    this.text.value = memory.get("draft") ?? "";
    this.fit = growWithText(this.text);
    // On a touch keyboard Enter is the only way to a new line, so there the button sends.
    this.enterSends = !matchMedia("(pointer: coarse)").matches;
    byId("keys").hidden = !this.enterSends;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("input", () => this.onInput());
    this.showCount();
  }

  /** Puts a text that was not sent back, before what was written since. */
  restore(text) {
    this.text.value = [text, this.text.value.trim()].filter(Boolean).join("\n\n");
    this.onInput();
    this.fit();
    this.text.focus();
  }

  /** Name and email belong to the first message of a conversation. */
  askWho(ask) {
    this.who.hidden = !ask;
  }

  clear() {
    this.text.value = "";
    this.memory.remove("draft");
    this.fit();
    this.showCount();
  }

  onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !this.enterSends) return;
    event.preventDefault();
    this.send();
  }

  onInput() {
    if (this.text.value) this.memory.set("draft", this.text.value);
    else this.memory.remove("draft");
    if (this.text.value.trim() && this.text.getAttribute("aria-invalid")) setFieldError(this.text, this.tooLong());
    this.showCount();
  }

  send() {
    const text = this.text.value.trim();
    const wrong = text === "" ? "Write a message first" : this.tooLong();
    setFieldError(this.text, wrong);
    if (wrong) return this.text.focus();
    const who = this.whoWrites();
    if (who === null) return undefined;
    this.clear();
    this.onSend(text, who);
    return this.text.focus();
  }

  whoWrites() {
    if (this.who.hidden) return {};
    const name = this.name.value.trim();
    const email = this.email.value.trim();
    const wrong = email && !EMAIL.test(email) ? "Enter an email address like name@example.com, or leave it empty" : "";
    setFieldError(this.email, wrong);
    if (wrong) {
      this.who.open = true;
      this.email.focus();
      return null;
    }
    return { ...(name ? { name } : {}), ...(email ? { email } : {}) };
  }

  tooLong() {
    const over = this.length() - LONGEST;
    return over > 0 ? `Shorten the message by ${number(over)} ${over === 1 ? "character" : "characters"}` : "";
  }

  /** Characters as the server counts them: code points, not UTF-16 units. */
  length() {
    const units = this.text.value.trim();
    return units.length < NEAR ? units.length : [...units].length;
  }

  showCount() {
    const length = this.length();
    this.counter.hidden = length < NEAR;
    if (this.counter.hidden) return;
    const left = LONGEST - length;
    this.counter.textContent = left >= 0
      ? `${number(left)} ${left === 1 ? "character" : "characters"} left`
      : `${number(-left)} ${left === -1 ? "character" : "characters"} too many`;
    this.counter.classList.toggle("error", left < 0);
  }
}

function number(value) {
  return value.toLocaleString();
}
