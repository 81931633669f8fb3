// A lead gives what is open to somebody: only as it was on the screen, for it may be somebody else's by now.

import { byId, element } from "../elements.js";

export class Giving {
  /** @param {{session: Object, panes: Object, onGiven: Function}} options */
  constructor({ session, panes, onGiven }) {
    Object.assign(this, { session, panes, onGiven });
    this.dialog = byId("give");
    this.names = byId("give-to");
    this.dialog.addEventListener("close", () => { if (this.dialog.returnValue === "give") this.give(); });
  }

  /** @param {{path: string, holder: string|null}} what `holder` has it on this screen */
  async open(what) {
    if (!this.session.may("work.assign")) return;
    this.what = what;
    try {
      const { names } = await this.session.call("/colleagues");
      const all = [this.session.name, ...names].filter((name) => name !== what.holder);
      this.names.replaceChildren(...all.map((name) => element("option", { value: name }, name === this.session.name ? `${name} (you)` : name)));
    } catch (error) {
      this.panes.say(error.sentences ?? "The colleagues could not be read.", "bad");
      return;
    }
    byId("give-from").textContent = what.holder ? `It is with ${what.holder} now.` : "It is with nobody now.";
    this.dialog.returnValue = "";
    this.dialog.showModal();
  }

  async give() {
    const to = this.names.value;
    try {
      await this.session.call(`${this.what.path}/assign`, { method: "POST", body: { to, seen: this.what.holder } });
      await this.onGiven();
      this.panes.say(`It is with ${to} now.`);
    } catch (error) {
      await this.onGiven();
      this.panes.say(`${error.sentences} Nothing was changed.`, "bad");
    }
  }
}
