// The files that wait to go with the next message: chosen, pasted or dropped.

import { element } from "../elements.js";
import { icon } from "./icons.js";
import { say } from "./words.js";

const MOST = 5;
const LARGEST = 10 * 1024 * 1024;

export class Tray {
  /** @param {{words: Object, over: HTMLElement}} options files can be dropped on `over` */
  constructor({ words, over }) {
    this.words = words;
    this.files = [];
    this.list = element("ul.tray", { "aria-label": words.attach, hidden: true });
    this.error = element("p.error", { role: "alert", hidden: true });
    this.input = element("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", "aria-label": words.attach });
    this.button = element(
      "button.round", { type: "button", "aria-label": words.attach, title: words.attach, onclick: () => this.input.click() },
      icon("clip"),
    );
    this.target = element("div.drop", { hidden: true, "aria-hidden": "true" }, words.drop);
    over.append(this.target);
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    const carries = (event) => event.dataTransfer?.types.includes("Files");
    over.addEventListener("dragover", (event) => {
      if (!carries(event)) return;
      event.preventDefault();
      this.target.hidden = false;
    });
    over.addEventListener("dragleave", (event) => {
      if (!over.contains(event.relatedTarget)) this.target.hidden = true;
    });
    over.addEventListener("drop", (event) => {
      this.target.hidden = true;
      if (!carries(event)) return;
      event.preventDefault();
      this.add(event.dataTransfer.files);
    });
  }

  /** Takes files that can go; says of the others why they can't. */
  add(files) {
    let wrong = "";
    for (const file of files) {
      if (this.files.length >= MOST) wrong = say(this.words.tooMany, MOST);
      else if (file.size > LARGEST) wrong = say(this.words.tooLarge, file.name);
      else if (file.size === 0) wrong = say(this.words.empty, file.name);
      else this.files.push(file);
    }
    this.error.textContent = wrong;
    this.error.hidden = wrong === "";
    this.draw();
  }

  take() {
    const files = this.files;
    this.files = [];
    this.error.hidden = true;
    this.draw();
    return files;
  }

  draw() {
    this.list.hidden = this.files.length === 0;
    this.list.replaceChildren(...this.files.map((file) => element(
      "li.file", {},
      icon("file"),
      element("span.name", {}, file.name), " ",
      element("span.size", {}, size(file.size)),
      element("button.round", {
        type: "button",
        "aria-label": say(this.words.remove, file.name),
        onclick: () => {
          this.files = this.files.filter((other) => other !== file);
          this.draw();
          this.button.focus();
        },
      }, icon("close")),
    )));
  }
}

/** "340 kB", "1.2 MB". */
export function size(bytes) {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1000)).toLocaleString()} kB`;
  return `${(bytes / 1_000_000).toLocaleString(undefined, { maximumFractionDigits: 1 })} MB`;
}
