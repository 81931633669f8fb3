// Keeps a conversation up to date: streams events, reconnects from the cursor, polls where nothing can be streamed.
//
// The cursor moves only when a whole message was handed on, so a break at any byte loses nothing; what the server
// repeats after a break is dropped by its position, so nothing comes twice. A page that nobody sees holds no connection:
// browsers open six to a host, and many tabs would use them up. It asks now and then, and at once when it is seen again.

import { Refused, request } from "../requests.js";
import { EventParser } from "./events.js";

/** Keep-alives come every 15 s; after three missed ones the connection is dead though nobody said so. */
const SILENCE = 45_000;
const FIRST_BYTE = 10_000;
const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const POLL = { working: 2_000, person: 8_000, idle: 8_000 };
/** Seconds that the server may hold a question until there is something new. */
const HELD = 15;
/** So many streams in a row without a byte while polling works: something between here and the server buffers. */
const BARREN = 2;
const STREAM_AGAIN = 120_000;

export class Live {
  /**
   * @param {{host: string, token: string, onMessage: Function, onActivity: Function, onState: Function}} options
   *   `onActivity` gets the activity and what the server asks the customer; `onState` "loading", "live", "lost" or "gone"
   */
  constructor({ host, token, onMessage, onActivity, onState }) {
    Object.assign(this, { host, token, onMessage, onActivity, onState });
    this.cursor = 0;
    this.failures = 0;
    this.barren = 0;
    this.streamFrom = 0;
    this.activity = "idle";
    this.asks = null;
    this.stopped = new AbortController();
    this.nudge = () => {};
  }

  /** Runs until `stop`; reads what there is, then waits for more. */
  async run() {
    this.onState("loading");
    while (!this.stopped.signal.aborted) {
      try {
        await this.catchUp();
        this.failures = 0;
        this.onState("live");
        if (document.hidden) await this.pause(POLL[this.activity] ?? POLL.idle);
        else if (Date.now() < this.streamFrom) await this.hold();
        else await this.stream();
      } catch (error) {
        if (this.stopped.signal.aborted) return;
        if (error.gone) return this.onState("gone");
        const wait = this.backoff(error);
        // One break is everyday life and mended at once; the second in a row is worth a word.
        if (this.failures > 1) this.onState("lost");
        await this.pause(wait);
      }
    }
  }

  stop() {
    this.stopped.abort();
    this.nudge();
  }

  /** Nobody sees the page any more, or somebody does again. */
  seen() {
    this.attempt?.abort();
    this.nudge();
  }

  /** The network is said to be back, perhaps another one: wait no longer, and trust no old stream. */
  hurry() {
    this.failures = 0;
    this.attempt?.abort();
    this.nudge();
  }

  async catchUp() {
    for (;;) {
      const before = this.cursor;
      await this.read("");
      if (this.cursor === before) return;
    }
  }

  /** Long polling: the server answers when there is something new. What answers at once with nothing is not held. */
  async hold() {
    const [before, began] = [this.cursor, Date.now()];
    await this.read(`&wait=${HELD}`);
    if (this.cursor === before && Date.now() - began < POLL.working) await this.pause(POLL[this.activity] ?? POLL.idle);
  }

  async read(wait) {
    const page = await request(`${this.host}/v1/web/messages?after=${this.cursor}${wait}`, {
      key: this.token, signal: this.stopped.signal,
    });
    page.messages.forEach((message) => this.hand(message));
    this.cursor = Math.max(this.cursor, page.cursor);
    this.tell(page);
  }

  async stream() {
    const attempt = new AbortController();
    this.attempt = attempt;
    const signal = AbortSignal.any([this.stopped.signal, attempt.signal]);
    let silence = setTimeout(() => attempt.abort(), FIRST_BYTE);
    let bytes = 0;
    try {
      const response = await fetch(`${this.host}/v1/web/events`, {
        headers: {
          Accept: "text/event-stream",
          Authorization: `Bearer ${this.token}`,
          "Last-Event-ID": String(this.cursor),
        },
        signal,
        cache: "no-store",
        credentials: "omit",
      });
      if (!response.ok) throw new Refused(response.status, {}, Number(response.headers.get("Retry-After")) || null);
      if (!response.body || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        this.barren = BARREN;
        return;
      }
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        bytes += value.length;
        clearTimeout(silence);
        silence = setTimeout(() => attempt.abort(), SILENCE);
        parser.feed(value).forEach((event) => this.take(event));
      }
    } catch (error) {
      if (!attempt.signal.aborted) throw error;
    } finally {
      clearTimeout(silence);
      this.count(bytes);
    }
    // A stream that ended in order (a server that restarts): go on after a moment, not all clients at once.
    await this.pause(SHORTEST_WAIT * (0.5 + Math.random()));
  }

  count(bytes) {
    this.barren = bytes > 0 ? 0 : this.barren + 1;
    if (this.barren < BARREN) return;
    this.streamFrom = Date.now() + STREAM_AGAIN;
    this.barren = 0;
  }

  take({ event, data }) {
    const value = JSON.parse(data);
    if (event === "message") this.hand(value);
    else this.tell(value);
  }

  hand(message) {
    if (message.position <= this.cursor) return;
    this.onMessage(message);
    this.cursor = message.position;
  }

  tell({ activity = this.activity, asks = this.asks }) {
    Object.assign(this, { activity, asks });
    this.onActivity(activity, asks);
  }

  backoff(error) {
    this.failures += 1;
    const longest = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** (this.failures - 1));
    const jittered = longest * (0.5 + Math.random() / 2);
    return Math.max(jittered, (error.retryAfter ?? 0) * 1000);
  }

  async pause(milliseconds) {
    if (this.stopped.signal.aborted) return;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.nudge = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.nudge = () => {};
  }
}
