// What the server asks the customer: whether an answer helped, and how the talk was.

import { element } from "../elements.js";
import { request } from "../requests.js";

export class Asks {
  /**
   * @param {{host: string, words: Object, token: () => string|null, onShow: () => void, onOpen: () => void,
   *   onPerson: () => void}} options `onShow` when something is shown; `onOpen` when something is still open; `onPerson` when a person is asked for
   */
  constructor({ host, words, token, onShow, onOpen, onPerson }) {
    Object.assign(this, { host, words, token, onShow, onOpen, onPerson });
    this.box = element("section.asks", { tabindex: "-1", hidden: true });
    this.asked = null;
  }

  /** @param {"helped"|"survey"|null} asks what the server would like to know now */
  show(asks) {
    if (asks === this.asked) return;
    this.asked = asks;
    if (asks === "helped") this.draw(this.helped());
    else if (asks === "survey") this.draw(this.survey());
    // Thanks stay until something else is asked.
    else if (!this.thanked) this.draw([]);
    this.thanked = false;
  }

  clear() {
    this.asked = null;
    this.draw([]);
  }

  draw(content) {
    const focused = this.box.contains(this.box.getRootNode().activeElement);
    this.box.replaceChildren(...content);
    this.box.hidden = content.length === 0;
    if (focused) this.box.focus();
    if (content.length) this.onShow();
  }

  helped() {
    const { words } = this;
    const answer = (helped) => this.tell("resolution", { helped }, helped ? words.helpedYes : words.helpedNo, helped ? null : this.onOpen);
    return [
      element("p.question", { id: "asked" }, words.helped),
      element(
        "div.answers", { role: "group", "aria-labelledby": "asked" },
        element("button", { type: "button", onclick: () => answer(true) }, words.yes),
        element("button", { type: "button", onclick: () => answer(false) }, words.no),
        element("button", { type: "button", onclick: () => { this.clear(); this.onPerson(); } }, words.person),
      ),
    ];
  }

  survey() {
    const { words } = this;
    const comment = element("textarea", { id: "comment", rows: 2, maxlength: 2000 });
    const wrong = element("p.error", { role: "alert", hidden: true }, words.pick);
    // A number is all that is asked at first.
    const further = element(
      "div.further", { hidden: true },
      element("div.field", {}, element("label", { for: "comment" }, words.comment), comment),
      element("button.primary", {}, words.rate),
    );
    const choices = words.ratings.map((label, index) => element(
      "label.rating", { title: label },
      element("input", { type: "radio", name: "rating", value: index + 1 }),
      element("span", { "aria-hidden": "true" }, String(index + 1)),
      element("span.unseen", {}, `${index + 1}: ${label}`),
    ));
    const form = element(
      "form", { novalidate: true },
      element(
        "fieldset", {},
        element("legend.question", {}, words.survey),
        element("div.ratings", {}, choices),
        element("p.scale", { "aria-hidden": "true" }, element("span", {}, words.ratings[0]), element("span", {}, words.ratings[4])),
      ),
      wrong, further,
    );
    form.addEventListener("change", () => {
      wrong.hidden = true;
      further.hidden = false;
      this.onShow();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const rating = Number(new FormData(form).get("rating"));
      wrong.hidden = rating > 0;
      if (!wrong.hidden) return form.querySelector("input").focus();
      const said = comment.value.trim();
      return this.tell("feedback", { rating, ...(said ? { comment: said } : {}) }, words.thanks);
    });
    return [form];
  }

  async tell(what, body, thanks, then) {
    // The stream may say that nothing is asked any more before the answer to this is here.
    this.thanked = true;
    try {
      await request(`${this.host}/v1/web/${what}`, { method: "POST", body, key: this.token() });
    } catch {
      this.thanked = false;
      this.box.querySelector(".failed")?.remove();
      return this.box.append(element("p.failed.error", { role: "alert" }, this.words.failed));
    }
    this.draw([element("p.thanks", {}, thanks)]);
    return then?.();
  }
}
