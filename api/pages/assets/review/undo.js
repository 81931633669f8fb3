// What was just sent and can still be taken back: a line each, with the seconds that are left. The server holds it; when
// this page is closed, it goes out all the same.

import { byId, element } from "../elements.js";

export class Undo {
  /** @param {{session: Object, panes: Object}} options */
  constructor({ session, panes }) {
    Object.assign(this, { session, panes });
    this.box = byId("undo");
    this.offers = [];
  }

  /**
   * @param {{done: string, seconds: number, path: string, onUndone: Function, onGone?: Function}} offer `path` is asked
   *   to forget it, `onUndone` brings back what was there, `onGone` is told when it is on its way
   */
  offer({ done, seconds, path, onUndone, onGone = () => {} }) {
    const left = element("span", { "aria-hidden": "true" });
    const button = element(
      "button.small",
      { type: "button", "aria-keyshortcuts": "u", onclick: () => this.take(offer) },
      "Undo",
      element("kbd", { "aria-hidden": "true" }, "u"),
    );
    const node = element("p.notice.good.small.undo", {}, element("span", {}, done), left, button);
    const offer = { node, left, button, path, onUndone, onGone, until: Date.now() + seconds * 1000 };
    this.offers.push(offer);
    this.box.append(node);
    this.tick(offer);
    offer.timer = setInterval(() => this.tick(offer), 250);
  }

  tick(offer) {
    const left = Math.ceil((offer.until - Date.now()) / 1000);
    if (left > 0) offer.left.textContent = `Goes out in ${left} s.`;
    else if (!offer.taken) {
      this.remove(offer);
      offer.onGone();
    }
  }

  /** Takes back the newest, or this one. */
  async take(offer = this.offers.at(-1)) {
    if (!offer || offer.taken) return;
    offer.taken = true;
    offer.button.disabled = true;
    try {
      await this.session.call(offer.path, { method: "DELETE" });
      this.remove(offer);
      await offer.onUndone();
      this.panes.say("Undone. Nothing was sent.");
    } catch (error) {
      this.remove(offer);
      offer.onGone();
      this.panes.say(error.sentences ?? "It could not be undone.", "bad");
    }
  }

  remove(offer) {
    clearInterval(offer.timer);
    offer.node.remove();
    this.offers = this.offers.filter((other) => other !== offer);
  }

  clear() {
    for (const offer of [...this.offers]) this.remove(offer);
  }
}
