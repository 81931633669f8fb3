// Several lines of the queue at once, for what can do no harm: claim, release, give. Each is asked for by itself, so one
// that somebody else has by now is refused and said, and the others go on.

import { byId, element } from "../elements.js";

const DONE = { claim: "claimed", release: "released", give: "given" };

export class Marking {
  /** @param {{session: Object, panes: Object, list: Object, onDone: Function}} options */
  constructor({ session, panes, list, onDone }) {
    Object.assign(this, { session, panes, list, onDone });
    this.bar = byId("marked");
    list.onMark = () => this.draw();
  }

  /** The line that has the focus, or that is open, is marked, or not any more. */
  toggle() {
    const box = this.list.markOf(document.activeElement?.closest?.("#rows li"));
    if (!box) return;
    box.checked = !box.checked;
    this.draw();
  }

  draw() {
    const count = this.session.may("review") ? this.list.marked.length : 0;
    if (this.bar.dataset.count === String(count)) return;
    this.bar.dataset.count = count;
    const button = (words, act) => element("button.small", { type: "button", onclick: act }, words);
    this.bar.replaceChildren(
      ...(count
        ? [
          element("span.small", { role: "status" }, `${count} marked`),
          button("Claim", () => this.all("claim", (item) => this.session.call(`/escalations/${item.id}/claim`, { method: "POST" }))),
          button("Release", () => this.all("release", (item) => this.session.call(`/escalations/${item.id}/claim`, { method: "DELETE" }))),
          this.session.may("work.assign") && this.giving(button),
          button("Unmark", () => this.clear()),
        ].filter(Boolean)
        : []),
    );
  }

  /** A list of names in the bar itself: choosing one is not yet giving. */
  giving(button) {
    const names = element("select", { "aria-label": "Give to" }, element("option", { value: "" }, "Give to …"));
    names.addEventListener("focus", async () => {
      if (names.options.length > 1) return;
      const { names: known } = await this.session.call("/colleagues");
      names.append(...[this.session.name, ...known].map((name) => element("option", { value: name }, name)));
    });
    const give = button("Give", () => {
      const to = names.value;
      if (!to) names.focus();
      else {
        this.all("give", (item) =>
          this.session.call(`/escalations/${item.id}/assign`, { method: "POST", body: { to, seen: item.claimed_by } }));
      }
    });
    return element("span.give", {}, names, give);
  }

  async all(what, ask) {
    const items = this.list.marked;
    for (const button of this.bar.querySelectorAll("button")) button.disabled = true;
    const results = await Promise.allSettled(items.map(ask));
    const refused = results.filter(({ status }) => status === "rejected");
    this.clear();
    await this.onDone();
    const done = `${items.length - refused.length} ${DONE[what]}.`;
    if (!refused.length) this.panes.say(done);
    else this.panes.say(`${done} ${refused.length} not: ${[...new Set(refused.map(({ reason }) => reason.sentences ?? "it failed."))].join(" ")}`, "warn");
  }

  clear() {
    this.list.unmark();
    this.draw();
    this.list.move(0);
  }
}
