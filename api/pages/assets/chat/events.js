// Reads a text/event-stream piece by piece, as the HTML standard parses it.

/** Feed it text in any pieces; it gives back the events that are complete. An unfinished one waits, or is lost. */
export class EventParser {
  constructor() {
    this.rest = "";
    this.begun = false;
    this.lastId = "";
    this.forget();
  }

  /**
   * @param {string} text
   * @returns {Array<{id: string, event: string, data: string}>}
   */
  feed(text) {
    this.rest += text;
    if (!this.begun && this.rest !== "") {
      this.begun = true;
      if (this.rest.startsWith("\uFEFF")) this.rest = this.rest.slice(1);
    }
    const events = [];
    for (;;) {
      const end = /\r\n|\n|\r(?!$)/.exec(this.rest);
      if (end === null) return events;
      const line = this.rest.slice(0, end.index);
      this.rest = this.rest.slice(end.index + end[0].length);
      if (line === "") this.finish(events);
      else this.take(line);
    }
  }

  take(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.data.push(value);
    else if (name === "event") this.event = value;
    else if (name === "id" && !value.includes("\0")) this.lastId = value;
  }

  finish(events) {
    if (this.data.length) events.push({ id: this.lastId, event: this.event || "message", data: this.data.join("\n") });
    this.forget();
  }

  forget() {
    this.data = [];
    this.event = "";
  }
}
