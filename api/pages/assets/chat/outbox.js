// What the customer has written and the server has not confirmed: sent one at a time, in order.
//
// Each message keeps one Idempotency-Key for life. A request whose answer is lost is sent again with the same key, so it
// arrives once whatever happened to the first; the list outlives a reload of the page for the same reason. The first
// message is waited for, because its answer brings the conversation's token.

import { now } from "../moments.js";
import { Refused, randomKey, request } from "../requests.js";

const RETRIES = [800, 2_500];

/**
 * An entry's state:
 *   sending      on its way, perhaps for the second time
 *   offline      never left: there is no network; goes out by itself when there is
 *   held         never left: it waits for an earlier one that is not confirmed
 *   unconfirmed  left, and no answer came
 *   refused      the server said no; `why` says what it said
 */
export class Outbox {
  /**
   * @param {{memory: import("../memory.js").Memory, token: () => string|null, onChange: Function, onSent: Function,
   *   onGone: Function}} options `onSent` gets the entry and the server's answer
   */
  constructor({ memory, token, onChange, onSent, onGone }) {
    Object.assign(this, { memory, token, onChange, onSent, onGone });
    this.busy = false;
    this.entries = (memory.get("unsent") ?? []).map((entry) => ({
      ...entry,
      state: entry.state === "sending" ? "unconfirmed" : entry.state,
    }));
  }

  add(text, who) {
    const entry = {
      key: randomKey(), text, who, state: "sending", why: "", at: new Date(now()).toISOString(),
    };
    this.entries.push(entry);
    this.save(entry);
    if (this.token() === null) this.resume();
    else this.work();
    return entry;
  }

  retry(entry) {
    entry.why = "";
    this.move(entry, "sending");
    if (this.token() === null) this.resume();
    else this.work();
  }

  remove(entry) {
    this.entries = this.entries.filter((other) => other !== entry);
    this.save();
  }

  /** Sends everything that a connection was missing for. */
  resume() {
    for (const entry of this.entries) {
      if (["offline", "held", "unconfirmed"].includes(entry.state)) this.move(entry, "sending");
    }
    this.work();
  }

  clear() {
    this.entries = [];
    this.save();
  }

  async work() {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let entry = this.next(); entry; entry = this.next()) await this.send(entry);
      for (const entry of this.entries) if (entry.state === "sending") this.move(entry, "held");
    } finally {
      this.busy = false;
    }
  }

  /** The oldest that may go. Until there is a token, only the very first: a second would open another talk. */
  next() {
    if (this.token() !== null) return this.entries.find((entry) => entry.state === "sending");
    const first = this.entries.find((entry) => entry.state !== "refused");
    return first?.state === "sending" ? first : undefined;
  }

  async send(entry) {
    for (let attempt = 0; ; attempt += 1) {
      const offline = !navigator.onLine;
      try {
        const answer = await request("/v1/web/messages", {
          method: "POST",
          body: { text: entry.text, ...entry.who },
          headers: { "Idempotency-Key": entry.key },
          key: this.token(),
        });
        if (!this.entries.includes(entry)) return undefined;
        this.remove(entry);
        return this.onSent(entry, answer);
      } catch (error) {
        const refused = error instanceof Refused;
        const last = attempt === RETRIES.length;
        if (!this.entries.includes(entry)) return undefined;
        if (refused && this.token() !== null && (error.status === 401 || error.status === 404)) {
          this.refuse(entry, "This conversation can no longer be reached.");
          return this.onGone();
        }
        if (refused && (!error.passing || last)) return this.refuse(entry, error.sentences);
        // `onLine` may be wrong about having no network, so it is tried; only then is it known that nothing left.
        if (!refused && offline && attempt === 0) return this.move(entry, "offline");
        if (last) return this.move(entry, "unconfirmed");
        await new Promise((resolve) => setTimeout(resolve, Math.max(RETRIES[attempt], (error.retryAfter ?? 0) * 1000)));
      }
    }
  }

  refuse(entry, why) {
    entry.why = why;
    this.move(entry, "refused");
  }

  move(entry, state) {
    entry.state = state;
    this.save(entry);
  }

  save(changed) {
    if (this.entries.length) this.memory.set("unsent", this.entries);
    else this.memory.remove("unsent");
    if (changed) this.onChange(changed);
  }
}
