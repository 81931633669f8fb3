// What the customer has written and the server has not confirmed: sent one at a time, in order.
//
// Each message keeps one Idempotency-Key for life. A request whose answer is lost is sent again with the same key, so it
// arrives once whatever happened to the first; the list lies in localStorage and outlives the page for the same reason.
// Each message lies there under a name of its own, so that tabs which write at once overwrite nothing of each other. The
// first message is waited for, because its answer brings the conversation's token. One tab sends at a time, where the
// browser has locks; where it has none, sending twice under one key does no harm.

import { now } from "../clock.js";
import { Refused, randomKey } from "../requests.js";

const RETRIES = [800, 2_500];
const UNSENT = "unsent.";
/** So long another tab is left to send what was written in it, in milliseconds. */
const ELSEWHERE = 30_000;

/**
 * An entry's state:
 *   sending      on its way, perhaps for the second time
 *   offline      never left: there is no network; goes out by itself when there is
 *   held         never left: it waits for an earlier one that is not confirmed
 *   unconfirmed  left, and no answer came
 *   filesLost    the same, and its files went with the page
 *   refused      the server said no; `why` is its answer
 *   dropped      taken back by the customer
 */
export class Outbox {
  /**
   * @param {{memory: import("../memory.js").Memory, token: () => string|null, post: Function, onChange: Function,
   *   onSent: Function, onElsewhere: Function, onGone: Function}} options `post` sends an entry; `onSent` gets the entry
   *   and the server's answer, `onElsewhere` one that another tab has sent
   */
  constructor({ memory, token, post, onChange, onSent, onElsewhere, onGone }) {
    Object.assign(this, { memory, token, post, onChange, onSent, onElsewhere, onGone });
    this.busy = false;
    this.entries = memory.keys(UNSENT).map((name) => this.remembered(memory.get(name))).sort(byTime);
  }

  add({ text, who, files, person }) {
    const entry = {
      key: randomKey(), text, who, person, files, names: files.map((file) => file.name),
      state: "sending", why: null, at: new Date(now()).toISOString(),
    };
    this.entries.push(entry);
    this.retry(entry);
    return entry;
  }

  retry(entry) {
    this.move(entry, "sending");
    if (this.token() === null) this.resume();
    else this.work();
  }

  remove(entry, dropped = false) {
    if (dropped) this.move(entry, "dropped");
    this.entries = this.entries.filter((other) => other !== entry);
    this.memory.remove(UNSENT + entry.key);
  }

  /** Sends everything that a connection was missing for, and what another tab has left behind. */
  resume() {
    for (const entry of this.entries) {
      const left = now() - Date.parse(entry.at) > ELSEWHERE;
      if (entry.elsewhere && !left) continue;
      entry.elsewhere = false;
      if (["offline", "held", "unconfirmed"].includes(entry.state)) this.move(entry, "sending");
    }
    this.work();
  }

  clear() {
    for (const entry of [...this.entries]) this.remove(entry, true);
  }

  /** Another tab wrote something down, or struck it off. `name` is the memory's key, `old` and `value` its texts. */
  follow(name, old, value) {
    if (!name.startsWith(UNSENT)) return;
    const known = this.entries.find((entry) => UNSENT + entry.key === name);
    if (value === null) {
      if (known === undefined) return;
      this.entries = this.entries.filter((entry) => entry !== known);
      this.onElsewhere(known, JSON.parse(old).state === "dropped");
      return;
    }
    const told = JSON.parse(value);
    if (known) Object.assign(known, { state: told.state, why: told.why });
    else this.entries = [...this.entries, { ...told, files: [], elsewhere: true }].sort(byTime);
    this.onChange(known ?? this.entries.find((entry) => entry.key === told.key));
  }

  async work() {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let entry = this.next(); entry; entry = this.next()) await alone(`${this.memory.prefix}send`, () => this.send(entry));
      for (const entry of this.entries) if (entry.state === "sending" && !entry.elsewhere) this.move(entry, "held");
    } finally {
      this.busy = false;
    }
  }

  /** The oldest that may go. Until there is a token, only the very first: a second would open another talk. */
  next() {
    const ours = this.entries.filter((entry) => !entry.elsewhere);
    if (this.token() !== null) return ours.find((entry) => entry.state === "sending");
    const first = ours.find((entry) => entry.state !== "refused");
    return first?.state === "sending" ? first : undefined;
  }

  async send(entry) {
    for (let attempt = 0; this.entries.includes(entry); attempt += 1) {
      const offline = !navigator.onLine;
      try {
        const answer = await this.post(entry, this.token(), () => this.onChange(entry));
        if (!this.entries.includes(entry)) return undefined;
        this.remove(entry);
        return this.onSent(entry, answer);
      } catch (error) {
        const refused = error instanceof Refused;
        const last = attempt === RETRIES.length;
        if (!this.entries.includes(entry)) return undefined;
        if (error.gone && this.token() !== null) {
          this.refuse(entry, 404, null);
          return this.onGone();
        }
        if (refused && (!error.passing || last)) return this.refuse(entry, error.status, error.sentences);
        // `onLine` may be wrong about having no network, so it is tried; only then is it known that nothing left.
        if (!refused && offline && attempt === 0) return this.move(entry, "offline");
        if (last) return this.move(entry, "unconfirmed");
        await new Promise((resolve) => setTimeout(resolve, Math.max(RETRIES[attempt], (error.retryAfter ?? 0) * 1000)));
      }
    }
    return undefined;
  }

  refuse(entry, status, sentences) {
    entry.why = { status, sentences };
    this.move(entry, "refused");
  }

  move(entry, state) {
    entry.state = state;
    this.save(entry);
  }

  save(entry) {
    const { files, progress, elsewhere, ...kept } = entry;
    this.memory.set(UNSENT + entry.key, kept);
    this.onChange(entry);
  }

  remembered(kept) {
    const left = kept.state === "sending" ? "unconfirmed" : kept.state;
    return { ...kept, files: [], state: kept.names.length ? "filesLost" : left };
  }
}

function byTime(one, other) {
  return one.at < other.at ? -1 : 1;
}

function alone(name, act) {
  return navigator.locks ? navigator.locks.request(name, act) : act();
}
