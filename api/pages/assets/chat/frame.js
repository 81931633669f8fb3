// What is always there: the launcher, the panel with its head, and where everything else has its place.
//
// All of it lies in a shadow root, whose style sheet is a CSSStyleSheet: a site's own styles don't reach it, and a
// Content-Security-Policy that forbids inline styles has nothing to forbid.

import { element } from "../elements.js";
import { accentColours } from "./colour.js";
import { icon } from "./icons.js";
import { say } from "./words.js";
import sheet from "./look.css" with { type: "css" };

/** Where the panel covers the screen, it is modal: what is behind it can't be seen. */
const NARROW = "(max-width: 520px), (max-height: 480px)";
const FOCUSABLE = "button, input, textarea, a[href], summary, [tabindex='0']";

export class Frame {
  /**
   * @param {{words: Object, options: DOMStringMap, page: HTMLElement|null, onToggle: (open: boolean) => void,
   *   onFresh: () => void}} options `page` is what the chat fills on a page of its own; without it there is a launcher
   */
  constructor({ words, options, page, onToggle, onFresh }) {
    Object.assign(this, { words, options, page, onToggle });
    this.isOpen = page !== null;
    this.unread = 0;
    this.host = element("csagent-chat", { lang: words.lang });
    this.shadow = this.host.attachShadow({ mode: "open" });
    this.shadow.adoptedStyleSheets = [sheet];
    this.badge = element("span.badge", { hidden: true });
    this.launcher = element(
      "button.launcher", { type: "button", "aria-haspopup": "dialog", onclick: () => this.toggle(!this.isOpen) },
      icon("chat"), icon("down"), this.badge,
    );
    this.heading = element(page ? "h1" : "h2", { id: "title" }, options.title || words.title);
    this.fresh = element(
      "button.round", { type: "button", "aria-label": words.fresh, title: words.fresh, hidden: true, onclick: () => onFresh() }, icon("fresh"),
    );
    this.body = element("div.body");
    this.panel = element(
      "section.panel", { role: page ? null : "dialog", "aria-labelledby": "title", id: "panel", hidden: !this.isOpen },
      element(
        "header", {},
        element("span.mark", {}, icon("chat")),
        element("div.names", {}, this.heading, element("p", {}, words.subtitle)),
        this.fresh,
        !page && element("button.round", { type: "button", "aria-label": words.close, onclick: () => this.toggle(false) }, icon("close")),
      ),
      this.body,
    );
    this.root = element(
      "div.root", { data: { position: options.position === "left" ? "left" : "right", mode: page ? "page" : "widget" } },
    );
    if (page) this.root.append(this.panel);
    else this.root.append(element("aside", { "aria-label": words.title }, this.launcher, this.panel));
    this.shadow.append(this.root);
    this.narrow = matchMedia(NARROW);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.narrow.addEventListener("change", () => this.show());
    this.dark.addEventListener("change", () => this.paint());
    this.panel.addEventListener("keydown", (event) => this.onKey(event));
    globalThis.visualViewport?.addEventListener("resize", () => this.fit());
    this.paint();
    this.attach();
    this.show();
  }

  /** Puts the chat into the page, and again when the page has thrown it out: some replace their whole body. */
  attach() {
    const put = () => { if (!this.host.isConnected) (this.page ?? document.body).append(this.host); };
    put();
    if (this.page) return;
    const observer = new MutationObserver(() => {
      observer.observe(document.body, { childList: true });
      put();
    });
    observer.observe(document.documentElement, { childList: true });
    observer.observe(document.body, { childList: true });
  }

  paint() {
    const { theme, accent } = this.options;
    const shown = theme === "dark" || theme === "light" ? theme : this.dark.matches ? "dark" : "light";
    this.root.dataset.theme = shown;
    for (const [name, value] of Object.entries(accentColours(accent, shown))) this.root.style.setProperty(name, value);
  }

  /** Keeps the sheet above a keyboard on the screen. */
  fit() {
    this.root.style.setProperty("--seen", `${Math.round(globalThis.visualViewport.height)}px`);
  }

  toggle(open) {
    if (this.page || open === this.isOpen) return;
    this.isOpen = open;
    this.show();
    this.onToggle(open);
    if (!open) this.launcher.focus({ preventScroll: true });
  }

  show() {
    this.panel.hidden = !this.isOpen;
    this.root.dataset.open = String(this.isOpen);
    this.launcher.setAttribute("aria-expanded", String(this.isOpen));
    if (this.modal) this.panel.setAttribute("aria-modal", "true");
    else this.panel.removeAttribute("aria-modal");
    this.launcher.hidden = this.modal;
    this.showUnread(this.unread);
  }

  get modal() {
    return !this.page && this.isOpen && this.narrow.matches;
  }

  showUnread(count) {
    this.unread = count;
    this.badge.hidden = count === 0 || this.isOpen;
    this.badge.textContent = String(count);
    const name = this.isOpen ? this.words.close : this.words.open;
    this.launcher.setAttribute("aria-label", this.badge.hidden ? name : `${name} (${say(this.words.unread, count)})`);
  }

  onKey(event) {
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      return this.toggle(false);
    }
    if (event.key !== "Tab" || !this.modal) return undefined;
    const stops = [...this.panel.querySelectorAll(FOCUSABLE)].filter((node) => node.checkVisibility() && !node.disabled);
    const [first, last] = [stops[0], stops.at(-1)];
    const at = this.shadow.activeElement;
    if (event.shiftKey ? at !== first : at !== last) return undefined;
    event.preventDefault();
    return (event.shiftKey ? last : first).focus();
  }
}
