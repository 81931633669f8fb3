// Single keys for a page of the console. Not while something is typed, and not when the reviewer has switched them off.

import { byId } from "../elements.js";

export class Keys {
  /** @param {Object<string, Function>} actions by key @param {import("../memory.js").Memory} memory */
  constructor(actions, memory) {
    this.actions = actions;
    this.memory = memory;
    this.help = byId("help");
    this.switch = byId("keys-on");
    this.switch.checked = memory.get("keys") !== "off";
    this.switch.addEventListener("change", () => memory.set("keys", this.switch.checked ? "on" : "off"));
    byId("show-help").addEventListener("click", () => this.help.showModal());
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (byId("desk")?.hidden || document.querySelector("dialog[open]") || isTyping(event.target)) return;
    if (!this.switch.checked) return;
    if (event.key === "?") {
      event.preventDefault();
      this.help.showModal();
      return;
    }
    const action = this.actions[event.key];
    // A key that is held down moves on through the list, and decides nothing.
    if (!action || (event.repeat && event.key !== "j" && event.key !== "k")) return;
    event.preventDefault();
    action();
  }
}

function isTyping(target) {
  if (target.isContentEditable) return true;
  const tag = target.tagName;
  return tag === "TEXTAREA" || tag === "SELECT" || (tag === "INPUT" && !["checkbox", "radio", "button"].includes(target.type));
}
