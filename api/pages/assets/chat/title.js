// Says in the page's title that replies came while nobody looked. The site's own title comes back as it was.

import { say } from "./words.js";

export class Title {
  /** @param {Object} words */
  constructor(words) {
    this.words = words;
    this.unread = 0;
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.reset(); });
  }

  count() {
    if (!document.hidden) return;
    if (document.title !== this.ours) this.plain = document.title;
    this.unread += 1;
    this.ours = `(${this.unread}) ${say(this.words.unread, this.unread)} – ${this.plain}`;
    document.title = this.ours;
  }

  reset() {
    if (this.unread > 0 && document.title === this.ours) document.title = this.plain;
    this.unread = 0;
  }
}
