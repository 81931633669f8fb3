// What lies over the talk for a moment: a question before something is thrown away, or the way to an earlier talk.

import { element } from "../elements.js";
import { icon } from "./icons.js";

export class Views {
  /** @param {{body: HTMLElement, covered: HTMLElement, words: Object}} options `covered` is what a view lies over */
  constructor({ body, covered, words }) {
    Object.assign(this, { body, covered, words });
    this.view = null;
  }

  /** Opens a view; the focus goes into it, and back when it closes. */
  open(title, ...content) {
    this.close();
    this.before = this.body.getRootNode().activeElement;
    const heading = element("h2", { id: "view-title", tabindex: "-1" }, title);
    this.view = element(
      "section.view", { role: "group", "aria-labelledby": "view-title" },
      element("button.round", { type: "button", "aria-label": this.words.back, onclick: () => this.close() }, icon("back")),
      heading, ...content,
    );
    this.view.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
    this.covered.inert = true;
    this.body.append(this.view);
    (this.view.querySelector("input, .primary") ?? heading).focus();
  }

  close() {
    if (this.view === null) return;
    this.view.remove();
    this.view = null;
    this.covered.inert = false;
    if (this.before?.isConnected) this.before.focus();
  }
}
