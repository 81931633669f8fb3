// Which part of the queue is asked for. The server filters, for it has more than is shown.

import { byId, element } from "../elements.js";
import { channelName, plainWords } from "./words.js";

const NAMES = ["channel", "severity", "whose", "topic", "has_draft"];

export class Filters {
  /** @param {Function} onChange reads the queue again */
  constructor(onChange) {
    this.fields = Object.fromEntries(NAMES.map((name) => [name, byId(`only-${name}`)]));
    this.late = byId("only-late");
    this.count = byId("filters-on");
    for (const field of [...Object.values(this.fields), this.late]) {
      field.addEventListener("change", () => {
        this.draw();
        onChange();
      });
    }
    byId("filters-clear").addEventListener("click", () => {
      for (const field of Object.values(this.fields)) field.value = "";
      this.late.checked = false;
      this.draw();
      onChange();
    });
  }

  /** As the end of a query: "&channel=chat&late=true". */
  get query() {
    const wanted = new URLSearchParams();
    for (const [name, field] of Object.entries(this.fields)) if (field.value) wanted.set(name, field.value);
    if (this.late.checked) wanted.set("late", "true");
    return wanted.size ? `&${wanted}` : "";
  }

  /** What there is to choose from: what was seen in the queue. */
  learn(items) {
    this.offer("channel", items.map((item) => item.channel), channelName);
    this.offer("topic", items.map((item) => item.topic).filter(Boolean), plainWords);
  }

  offer(name, values, words) {
    const field = this.fields[name];
    const known = new Set([...field.options].map((option) => option.value));
    for (const value of new Set(values)) if (!known.has(value)) field.append(element("option", { value }, words(value)));
  }

  draw() {
    const on = Object.values(this.fields).filter((field) => field.value).length + (this.late.checked ? 1 : 0);
    this.count.textContent = on ? ` (${on} on)` : "";
    byId("filters-clear").hidden = on === 0;
  }
}
