// The list at the left: rows that are kept from one refresh to the next, so that focus and place stay where they are.

import { now } from "../clock.js";
import { byId, element } from "../elements.js";
import { shortTime, tickingTime } from "../moments.js";
import { addressOf } from "./address.js";
import { channelName, plainWords } from "./words.js";

const MOST = 100;

const KINDS = {
  queue: {
    title: "Decisions that wait",
    kind: "escalation",
    nothing: "Nothing waits for a decision.",
    row: (item) => [
      element(
        "span.row-top",
        {},
        severity(item.urgency ?? item.severity, item.severity),
        tickingTime(item.reply_by ?? item.due_at, "left"),
        element("span.muted", {}, channelName(item.channel)),
        item.topic && element("span.muted", {}, plainWords(item.topic)),
        item.claimed_by && element("span.holder", {}, `${item.claimed_by} is at it`),
        item.moved_on_from && element("span.holder", {}, `let go by ${item.moved_on_from}`),
      ),
      said(item, item.first_line),
      element("span.rules.muted", {}, [drafted(item), ...item.rules.map(plainWords)].filter(Boolean).join(" · ")),
    ],
    words: (item) => [
      item.customer_name, item.first_line, item.channel, item.severity, item.topic, drafted(item),
      ...item.rules.map(plainWords), item.claimed_by,
    ],
  },
  cases: {
    title: "Cases that people own",
    kind: "case",
    nothing: "No case is with a person.",
    row: (item) => [
      element(
        "span.row-top",
        {},
        item.severity && severity(item.severity),
        howUrgent(item),
        element("span.muted", {}, channelName(item.channel)),
      ),
      said(item, item.last_line),
      element("span.rules.muted", {}, `${item.owner_name ? `With ${item.owner_name}` : "With nobody yet"} · ${waiting(item)}`),
    ],
    words: (item) => [item.customer_name, item.last_line, item.owner_name, item.channel, item.severity],
  },
  asked: {
    title: "Questions of colleagues to you",
    kind: "question",
    nothing: "Nobody has asked you anything.",
    address: (item) => (item.escalation_id ? addressOf("escalation", item.escalation_id) : addressOf("case", item.case_id)),
    row: (item) => [
      element(
        "span.row-top",
        {},
        tickingTime(item.created_at, "waits"),
        element("span.muted", {}, channelName(item.channel)),
        element("span.holder", {}, `${item.author} asks`),
      ),
      element("span.first", { dir: "auto" }, item.text),
    ],
    words: (item) => [item.author, item.text, item.channel],
  },
};

/** Whose line it is, where that is known, and what they wrote. */
function said({ customer_name: name }, text) {
  return element("span.first", { dir: "auto" }, name && [element("bdi.who", {}, name), " "], text || "(no text)");
}

function drafted({ has_draft: there }) {
  return there === null ? "" : there ? "Draft ready" : "Without a draft";
}

/** "P1" as a chip that doesn't live by its colour. What is late counts as more urgent than it was: "P1 (was P2)". */
export function severity(name, was = name) {
  return element(`b.severity.${String(name).toLowerCase()}`, {}, was === name ? name : `${name} (was ${was})`);
}

export class List {
  constructor() {
    // Where the focus goes when no row is left: not into the filter, where keys would be typed instead of obeyed.
    this.pane = byId("list-pane");
    this.rows = byId("rows");
    this.search = byId("search");
    this.nothing = byId("list-nothing");
    this.stale = byId("stale");
    this.items = { queue: null, cases: null, asked: null };
    this.totals = {};
    this.shown = "queue";
    this.openId = null;
    this.nodes = new Map();
    this.contents = new WeakMap();
    this.onMark = () => {};
    this.search.addEventListener("input", () => this.draw());
    this.search.addEventListener("keydown", (event) => this.onSearchKey(event));
  }

  /** @param {number} [total] how many there are; `items` may be the first of them only */
  take(list, items, total = items.length) {
    this.items[list] = items;
    this.totals[list] = total;
    const late = items.some(({ reply_by: by, due_at: due }) => (by ?? due) && new Date(by ?? due).getTime() < now());
    const count = byId(`${list}-count`);
    count.replaceChildren(total ? String(total) : "", late ? element("span.unseen", {}, "some late") : "");
    count.classList.toggle("late", late);
    if (list === this.shown) this.draw();
  }

  /** One is done: it is gone before the list is read again. */
  drop(list, id) {
    const items = this.items[list] ?? [];
    const left = items.filter((item) => item.id !== id);
    if (left.length < items.length) this.take(list, left, this.totals[list] - 1);
  }

  show(list, openId) {
    if (list !== this.shown) this.search.value = "";
    this.shown = list;
    this.lastId = openId ?? this.lastId;
    this.openId = openId;
    byId("list-title").textContent = KINDS[list].title;
    byId("filters").hidden = list !== "queue";
    for (const name of Object.keys(KINDS)) {
      if (name === list) byId(`to-${name}`).setAttribute("aria-current", "page");
      else byId(`to-${name}`).removeAttribute("aria-current");
    }
    this.draw();
  }

  fresh() {
    this.stale.hidden = true;
    this.freshAt = now();
  }

  failed(sentences) {
    const since = this.freshAt ? `This is how it was at ${shortTime(new Date(this.freshAt))}. ` : "";
    this.stale.textContent = `${sentences} ${since}Trying again every few seconds.`;
    this.stale.hidden = false;
    if (this.items[this.shown] === null) this.nothing.textContent = "";
  }

  /** Moves to the next (1) or previous (-1) row, from the focused one, else from the open one. */
  move(step) {
    const links = [...this.rows.querySelectorAll("a")];
    if (!links.length) return;
    let at = links.indexOf(document.activeElement);
    if (at < 0) at = links.findIndex((link) => link.dataset.id === (this.openId ?? this.lastId));
    const next = at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step));
    links[next].focus();
  }

  /** Focuses the most urgent row that nobody else is at, once this one is done. */
  focusNext(done, name) {
    const links = [...this.rows.querySelectorAll("a")].filter((link) => link.dataset.id !== done);
    const free = ({ dataset }) => [null, undefined, name].includes(this.find(this.shown, dataset.id)?.claimed_by);
    (links.find(free) ?? links[0] ?? this.pane).focus();
  }

  find(list, id) {
    return this.items[list]?.find((item) => item.id === id) ?? null;
  }

  draw() {
    const { kind, row, words, nothing } = KINDS[this.shown];
    const items = this.items[this.shown];
    const wanted = this.search.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = (items ?? []).filter((item) => {
      const text = words(item).filter(Boolean).join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
    this.say(items, fitting, wanted, nothing);
    const focused = this.rows.contains(document.activeElement) ? document.activeElement : null;
    const place = focused ? [...this.rows.querySelectorAll("a")].indexOf(focused) : -1;
    const kept = new Set();
    fitting.slice(0, MOST).forEach((item, index) => {
      const node = this.node(kind, item, row);
      kept.add(node.dataset.key);
      if (this.rows.children[index] !== node) this.rows.insertBefore(node, this.rows.children[index] ?? null);
    });
    for (const [key, node] of this.nodes) {
      if (kept.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
    this.onMark();
    if (focused && document.activeElement !== focused) {
      const links = [...this.rows.querySelectorAll("a")];
      (focused.isConnected ? focused : links[Math.min(place, links.length - 1)] ?? this.pane)
        .focus({ preventScroll: true });
    }
  }

  node(kind, item, row) {
    const key = `${kind}/${item.id}`;
    let node = this.nodes.get(key);
    if (!node) {
      node = element("li", { data: { key } }, element("a.row", { data: { id: item.id } }));
      if (this.shown === "queue") node.append(this.mark(item));
      this.nodes.set(key, node);
    }
    const link = node.firstElementChild;
    link.setAttribute("href", KINDS[this.shown].address?.(item) ?? addressOf(kind, item.id));
    const content = JSON.stringify(item);
    if (this.contents.get(link) !== content) {
      this.contents.set(link, content);
      link.replaceChildren(...row(item));
    }
    if (item.id === this.openId) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    return node;
  }

  mark(item) {
    const box = element("input", { type: "checkbox", "aria-label": `Mark ${item.severity} ${item.first_line}` });
    box.addEventListener("change", () => this.onMark());
    return element("label.mark", {}, box);
  }

  markOf(node) {
    return node?.querySelector(".mark input") ?? null;
  }

  /** The lines of the queue that are marked, as they are now. */
  get marked() {
    if (this.shown !== "queue") return [];
    const ids = [...this.rows.querySelectorAll("li:has(.mark input:checked) a")].map((link) => link.dataset.id);
    return ids.map((id) => this.find("queue", id)).filter(Boolean);
  }

  unmark() {
    for (const box of this.rows.querySelectorAll(".mark input")) box.checked = false;
  }

  say(items, fitting, wanted, nothing) {
    const total = this.totals[this.shown];
    const told = [];
    if (items === null) told.push(this.stale.hidden ? "Loading…" : "");
    else if (fitting.length === 0) told.push((wanted.length && items.length) || this.filtered ? "Nothing here fits the filter." : nothing);
    else if (fitting.length > MOST) told.push(`The first ${MOST} of ${wanted.length ? fitting.length : total}. Filter to find others.`);
    if (wanted.length && total > items?.length) told.push(`Only the first ${items.length} of ${total} were searched.`);
    const words = told.join(" ");
    if (this.nothing.textContent !== words) this.nothing.textContent = words;
  }

  onSearchKey(event) {
    if (event.key === "Escape") {
      this.search.value = "";
      this.draw();
      this.move(0);
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      this.rows.querySelector("a")?.focus();
    }
  }
}

/** What was promised to the customer counts before how long they have waited. */
function howUrgent({ due_at: due, waiting_since: since }) {
  if (due) return tickingTime(due, "left");
  return since ? tickingTime(since, "waits") : element("span", {}, "Answered");
}

function waiting(item) {
  if (!item.waiting) return "nothing waits";
  return item.waiting === 1 ? "1 message waits" : `${item.waiting} messages wait`;
}
