// Who else has the same case open, and whether anything has changed in it: asked every few seconds while one reads.

import { BY_ITSELF } from "../console/session.js";
import { element } from "../elements.js";

export class Looking {
  /** @param {{session: Object, panes: Object}} options */
  constructor({ session, panes }) {
    Object.assign(this, { session, panes });
    this.caseId = null;
  }

  /** @param {string|null} caseId the one that is open @param {Function} onChange reads it again */
  async at(caseId, onChange) {
    if (this.caseId !== caseId) {
      if (this.caseId) this.session.call(`/cases/${this.caseId}/looking`, { method: "DELETE", ...BY_ITSELF }).catch(() => {});
      this.caseId = caseId;
      this.state = null;
      this.panes.onlookers.replaceChildren();
    }
    if (caseId === null || this.busy) return;
    this.busy = true;
    try {
      const { others, state } = await this.session.call(`/cases/${caseId}/looking`, { method: "PUT", ...BY_ITSELF });
      if (this.caseId !== caseId) return;
      this.say(others);
      const changed = this.state !== null && this.state !== state;
      this.state = state;
      if (changed) onChange();
    } catch {
      // A courtesy: the list says when the connection is away.
    } finally {
      this.busy = false;
    }
  }

  say(others) {
    const words = others.length > 2 ? `${others.length} colleagues are looking at this` : others.length ? `${others.join(" and ")} ${others.length > 1 ? "are" : "is"} looking at this` : "";
    if (this.panes.onlookers.textContent !== words) this.panes.onlookers.replaceChildren(words ? element("span", {}, words) : "");
  }
}
