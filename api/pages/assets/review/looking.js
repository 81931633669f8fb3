// Who else has the same case open, and whether anything has changed in it: asked every few seconds while one reads.

import { BY_ITSELF } from "../console/session.js";
import { element } from "../elements.js";

export class Looking {
  /**
   * @param {{session: Object, panes: Object, open: Function, onChange: Function}} options
   *   `open` tells the id of the case that is open and the state in which it was read, or null; `onChange` reads it again
   */
  constructor({ session, panes, open, onChange }) {
    Object.assign(this, { session, panes, open, onChange });
    this.caseId = null;
  }

  async ask() {
    const caseId = this.open()?.caseId ?? null;
    if (this.caseId !== caseId) {
      if (this.caseId) this.session.call(`/cases/${this.caseId}/looking`, { method: "DELETE", ...BY_ITSELF }).catch(() => {});
      this.caseId = caseId;
      this.panes.onlookers.replaceChildren();
    }
    if (caseId === null || this.busy) return;
    this.busy = true;
    const { state: read } = this.open();
    try {
      const { others, state } = await this.session.call(`/cases/${caseId}/looking`, { method: "PUT", ...BY_ITSELF });
      const open = this.open();
      if (open?.caseId !== caseId) return;
      this.say(others);
      // What was read while this was asked may be newer than the answer.
      if (open.state === read && state !== read) this.onChange();
    } catch {
      // A courtesy: the list says when the connection is away.
    } finally {
      this.busy = false;
      if (this.caseId !== caseId) this.ask();
    }
  }

  say(others) {
    const words = others.length > 2 ? `${others.length} colleagues are looking at this` : others.length ? `${others.join(" and ")} ${others.length > 1 ? "are" : "is"} looking at this` : "";
    if (this.panes.onlookers.textContent !== words) this.panes.onlookers.replaceChildren(words ? element("span", {}, words) : "");
  }
}
