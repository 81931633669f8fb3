// Reads our event stream piece by piece. The server writes each event as lines that end with one \n, the last one empty,
// with all of its data in one line of JSON; nothing between here and there changes that.

/** Feed it text in any pieces; it gives back the events that are complete. An unfinished one waits, or is lost. */
export class EventParser {
  constructor() {
    this.rest = "";
  }

  /**
   * @param {string} text
   * @returns {Array<{event: string, data: string}>}
   */
  feed(text) {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop();
    const field = (block, name) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
    return blocks.map((block) => ({ event: field(block, "event"), data: field(block, "data") })).filter(({ data }) => data);
  }
}
