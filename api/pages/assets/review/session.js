// Who works here: the staff key, kept in this tab alone, and the requests that carry it.

import { byId, setFieldError } from "../elements.js";
import { Memory } from "../memory.js";
import { Refused, request } from "../requests.js";

export class Session {
  /** @param {{onIn: Function, onOut: Function, title?: string}} options */
  constructor({ onIn, onOut, title = "Review" }) {
    this.title = title;
    this.memory = new Memory("sessionStorage", "support.review.");
    this.onIn = onIn;
    this.onOut = onOut;
    this.input = byId("key");
    byId("sign-in-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.signIn();
    });
    byId("sign-out").addEventListener("click", () => this.signOut());
  }

  /** The reviewer's name as others see it; known once something was claimed. */
  get name() {
    return this.memory.get("name");
  }

  set name(value) {
    this.memory.set("name", value);
  }

  get key() {
    return this.memory.get("key");
  }

  start() {
    if (this.key) this.enter();
    else this.ask();
  }

  /** A request with the key; a path below the review API, or a whole one. A key that isn't accepted any more leads back to the form; what was typed is kept. */
  async call(path, options = {}) {
    try {
      return await request(path.startsWith("/v1/") ? path : `/v1/review${path}`, { ...options, key: this.key });
    } catch (error) {
      if (error instanceof Refused && error.status === 401 && this.key) {
        this.memory.remove("key");
        this.ask("Your key is no longer accepted. Sign in again: what you were writing is kept.");
      }
      throw error;
    }
  }

  async signIn() {
    const key = this.input.value.trim();
    if (!key) return this.fail("Enter your staff key");
    if (/[^\x21-\x7e]/.test(key)) return this.fail("A staff key has no spaces or accented letters: copy it again");
    setFieldError(this.input, "");
    try {
      await request("/v1/review/escalations?limit=1", { key });
    } catch (error) {
      if (!(error instanceof Refused)) return this.fail(`${error.sentences} Try again`);
      if (error.status === 401) return this.fail("That key is not accepted. Check it and try again");
      // The queue is in trouble, not the key: the desk says so, and what works there can be used.
    }
    this.memory.set("key", key);
    this.input.value = "";
    return this.enter();
  }

  /** Nothing of this session stays in the tab. */
  signOut() {
    this.memory.clear();
    this.onOut();
    this.ask();
  }

  enter() {
    byId("sign-in").hidden = true;
    byId("desk").hidden = false;
    document.title = this.title;
    this.onIn();
  }

  ask(why = "") {
    byId("desk").hidden = true;
    byId("sign-in").hidden = false;
    const notice = byId("sign-in-why");
    notice.textContent = why;
    notice.hidden = !why;
    document.title = `Sign in – ${this.title}`;
    this.input.focus();
  }

  fail(message) {
    setFieldError(this.input, message);
    this.input.focus();
  }
}
