// Says in the page's title that replies came while nobody looked.

export class Title {
  constructor() {
    this.plain = document.title;
    this.unread = 0;
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.reset(); });
  }

  count() {
    if (!document.hidden) return;
    this.unread += 1;
    document.title = `(${this.unread}) ${this.unread === 1 ? "New reply" : "New replies"} – ${this.plain}`;
  }

  reset() {
    this.unread = 0;
    document.title = this.plain;
  }
}
