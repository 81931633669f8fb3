// The desk's panes: what stands in the middle and at the right, and which one a narrow screen shows.

import { byId, element } from "../elements.js";
import { lightSources } from "./context.js";

export class Panes {
  constructor() {
    this.talk = byId("talk");
    this.context = byId("context");
    this.outcome = byId("outcome");
    this.onlookers = element("div.onlookers", { role: "status" });
    for (const button of document.querySelectorAll("[data-show]")) {
      button.addEventListener("click", () => this.switchTo(button.dataset.show));
    }
    lightSources(this.talk);
    this.switchTo("list");
  }

  /** On a narrow screen one pane is shown at a time; on a wide one this changes nothing that is seen. */
  switchTo(pane) {
    document.body.dataset.pane = pane;
    for (const button of document.querySelectorAll("[data-show]")) {
      if (button.dataset.show === pane) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  /** Says how something ended; stays until the next thing is opened. */
  say(text, tone = "good") {
    this.outcome.replaceChildren(text ? element(`p.notice.${tone}.small`, {}, text) : "");
  }

  empty(words) {
    this.fill([element("p.nothing.muted", {}, words)], [], false);
  }

  loading() {
    this.say("");
    this.fill([element("p.nothing.muted", { role: "status" }, "Loading…")], [], true);
  }

  failed(error, again) {
    const retry = element("button", { type: "button", onclick: again }, "Try again");
    this.fill(
      [element("div.notice.bad", { role: "alert" }, element("p", {}, `It could not be opened. ${error.sentences}`), retry)],
      [],
      true,
    );
  }

  /**
   * @param {{title: string, facts: Array, aside: Node, content: Array, context: Array, end: string, focus: boolean}} view
   *   `end` selects what the reader has to see first; `focus` moves the focus to the title
   */
  show({ title, facts, aside, content, context, end, focus }) {
    const heading = element("h2", { tabindex: "-1" }, title);
    const place = this.talk.scrollTop;
    this.fill(
      [
        element(
          "header.talk-head",
          {},
          element("div", {}, heading, element("p.facts-line.small", {}, facts)),
          aside,
          this.onlookers,
        ),
        ...content.filter(Boolean),
      ],
      context,
      true,
    );
    if (!focus) {
      this.talk.scrollTop = place;
      return;
    }
    this.switchTo("talk");
    heading.focus({ preventScroll: true });
    this.reveal(end);
  }

  /** Scrolls so that the end is seen, or its beginning when it is taller than the pane. */
  reveal(selector) {
    const node = this.talk.querySelector(selector);
    if (!node) this.talk.scrollTop = this.talk.scrollHeight;
    else if (node.offsetHeight < this.talk.clientHeight) this.talk.scrollTop = this.talk.scrollHeight;
    else node.scrollIntoView({ block: "start" });
  }

  fill(talk, context, used) {
    // What stays (a note that is being written) keeps the focus, too.
    const focused = this.context.contains(document.activeElement) ? document.activeElement : null;
    const place = this.context.scrollTop;
    const reading = this.talk.contains(document.activeElement) ? document.activeElement.id : null;
    this.talk.replaceChildren(...talk);
    // What had the focus is gone: what is drawn in its place has it, or the talk, so that keys still scroll.
    if (reading !== null) (byId(reading) ?? this.talk).focus({ preventScroll: true });
    this.context.replaceChildren(...context);
    if (focused?.isConnected && focused !== document.activeElement) focused.focus({ preventScroll: true });
    if (focused?.isConnected) this.context.scrollTop = place;
    document.body.classList.toggle("nothing-open", !used);
  }
}
