// The form that a message is written in: its checks, its keys, and what is kept of an unfinished text.

import { element, growWithText, setFieldError } from "../elements.js";
import { icon } from "./icons.js";
import { Tray } from "./tray.js";
import { say } from "./words.js";

export const LONGEST = 20_000;
const NEAR = 18_000;
export const EMAIL = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

export class Composer {
  /**
   * @param {{memory: import("../memory.js").Memory, words: Object, over: HTMLElement,
   *   onSend: (message: {text: string, who: Object, files: File[], person: boolean}) => void}} options
   *   files can be dropped on `over`
   */
  constructor({ memory, words, over, onSend }) {
    Object.assign(this, { memory, words, onSend });
    // On a touch keyboard Enter is the only way to a new line, so there the button sends.
    this.enterSends = !matchMedia("(pointer: coarse)").matches;
    this.tray = new Tray({ words, over });
    this.name = element("input", { id: "name", autocomplete: "name", maxlength: 200 });
    this.email = element("input", { type: "email", id: "email", autocomplete: "email", maxlength: 320, spellcheck: "false" });
    this.who = element(
      "details.who", { hidden: true },
      element("summary", {}, words.who),
      element("div.field", {}, element("label", { for: "name" }, words.name), this.name),
      element("div.field", {}, element("label", { for: "email" }, words.email), this.email),
    );
    this.text = element("textarea", {
      id: "text", rows: 1, placeholder: words.placeholder, "aria-label": words.message,
      "aria-describedby": "keys counter", enterkeyhint: "enter", dir: "auto",
    });
    this.counter = element("span", { id: "counter", role: "status", hidden: true });
    this.person = element(
      "button.quiet", { type: "button", onclick: () => this.send(true) }, icon("person"), words.person,
    );
    this.form = element(
      "form.composer", { novalidate: true },
      this.who,
      this.tray.list, this.tray.error,
      element(
        "div.field", {},
        element(
          "div.box", {},
          this.tray.button, this.tray.input, this.text,
          element("button.go", { "aria-label": words.send, title: words.send }, icon("send")),
        ),
      ),
      element(
        "div.below", {},
        this.person,
        element("span.hint", {}, element("span.unseen", { id: "keys" }, this.enterSends && words.keys), this.counter),
      ),
    );
    this.text.value = memory.get("draft") ?? "";
    this.fit = growWithText(this.text);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("keydown", (event) => this.onKey(event));
    this.text.addEventListener("input", () => this.onInput());
    this.text.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.tray.add(event.clipboardData.files);
    });
    this.showCount();
  }

  /** Puts a text that was not sent back, before what was written since. */
  restore(text, files = []) {
    this.text.value = [text, this.text.value.trim()].filter(Boolean).join("\n\n");
    this.tray.add(files);
    this.onInput();
    this.fit();
    this.text.focus();
  }

  /** Name and email belong to the first message of a conversation. */
  askWho(ask) {
    this.who.hidden = !ask;
  }

  /** What the site knows of its visitor. Nothing of it is proof. */
  know({ name, email }) {
    if (name) this.name.value = name;
    if (email) this.email.value = email;
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
    if (this.text.value.trim() && this.text.getAttribute("aria-invalid")) this.complain(this.text, this.tooLong());
    this.showCount();
  }

  /** Sends what is written; who asks for a person need not have written anything. */
  send(person = false) {
    const { words } = this;
    const bare = this.tray.files.length ? "" : words.nothing;
    const text = this.text.value.trim() || (person ? words.personText : "");
    const wrong = text === "" ? bare : this.tooLong();
    this.complain(this.text, wrong);
    if (wrong) return this.text.focus();
    const who = this.whoWrites();
    if (who === null) return undefined;
    this.clear();
    this.onSend({ text, who, files: this.tray.take(), person });
    return this.text.focus();
  }

  whoWrites() {
    if (this.who.hidden) return {};
    const name = this.name.value.trim();
    const email = this.email.value.trim();
    const wrong = email && !EMAIL.test(email) ? this.words.emailWrong : "";
    if (wrong) this.who.open = true;
    this.complain(this.email, wrong);
    if (wrong) {
      this.email.focus();
      return null;
    }
    return { ...(name ? { name } : {}), ...(email ? { email } : {}) };
  }

  complain(input, wrong) {
    setFieldError(input, wrong, this.words.error);
  }

  tooLong() {
    const over = this.length() - LONGEST;
    return over > 0 ? say(this.words.shorten, over, this.words.lang) : "";
  }

  /** Characters as the server counts them: code points, not UTF-16 units. */
  length() {
    const units = this.text.value.trim();
    return units.length < NEAR ? units.length : [...units].length;
  }

  showCount() {
    const left = LONGEST - this.length();
    this.counter.hidden = left > LONGEST - NEAR;
    if (this.counter.hidden) return;
    this.counter.textContent = left >= 0 ? say(this.words.left, left, this.words.lang) : this.tooLong();
    this.counter.classList.toggle("error", left < 0);
  }
}
