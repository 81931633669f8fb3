// Beside the talk, read once for each state of a case: notes of colleagues, the mood over time, what was before.

import { BY_ITSELF } from "../console/session.js";
import { element, setFieldError } from "../elements.js";
import { timeElement } from "../moments.js";
import { addressOf } from "./address.js";
import { wordDiff } from "./diff.js";
import { channelName, plainWords, polarityName } from "./words.js";

const LONGEST = 4_000;
const ACTIONS = {
  approve: "approved", edit: "edited", answer: "answered instead", reject: "rejected", take_over: "took over",
};

export class Beside {
  /** @param {{session: Object, drafts: Object}} options */
  constructor({ session, drafts }) {
    Object.assign(this, { session, drafts });
    this.notes = element("section.internal");
    this.trend = element("div.trend");
    this.past = element("div.past");
    this.caseId = null;
  }

  /** Shows what belongs to this case; what is there of it stays until the new is read. */
  async show(caseId, { byItself = false } = {}) {
    if (this.caseId !== caseId) {
      this.caseId = caseId;
      this.answering = null;
      this.notes.replaceChildren();
      this.trend.replaceChildren();
      this.past.replaceChildren();
    }
    try {
      if (this.session.may("review")) this.colleagues ??= (await this.session.call("/colleagues", BY_ITSELF)).names;
      const background = await this.session.call(`/cases/${caseId}/background`, byItself ? BY_ITSELF : {});
      if (this.caseId === caseId) this.draw(background);
    } catch (error) {
      if (this.caseId === caseId && !this.session.over) {
        this.past.replaceChildren(element("p.muted.small", {}, `What was before could not be read. ${error.sentences ?? ""}`));
      }
    }
  }

  draw({ notes, moods, earlier_cases: earlier, decisions }) {
    const list = element("ol.notes", {}, notes.map((note) => this.note(note)));
    if (this.form?.isConnected && this.form.dataset.case === this.caseId) this.list.replaceWith(list);
    else {
      this.notes.replaceChildren(
        element("h2", {}, "Notes for colleagues"),
        list,
        ...(this.session.may("review") ? [this.writer()] : []),
      );
    }
    this.list = list;
    this.trend.replaceChildren(moods.length > 1 ? section("Mood over time", sparkline(moods)) : "");
    this.past.replaceChildren(
      ...[
        decisions.length > 0 && section("Decided before", element("ul.rejected", {}, decisions.map(decision))),
        earlier.length > 0 && section("Other cases of this customer", element("ul.earlier", {}, earlier.map(earlierCase))),
      ].filter(Boolean),
    );
  }

  note(note) {
    const mine = note.asked === this.session.name && !note.answered_at;
    const asked = note.asked && (note.answered_at ? `asked ${note.asked}, answered` : `asks ${note.asked}`);
    return element(
      mine ? "li.mine" : "li",
      {},
      element("p.muted.small", {}, element("b", {}, note.author), " ", asked ?? (note.answers ? "answers" : ""), " ", timeElement(note.created_at)),
      element("p.text", { dir: "auto" }, note.text),
      mine && this.session.may("review") &&
        element("button.link.small", { type: "button", onclick: () => this.answer(note) }, "Answer"),
    );
  }

  writer() {
    const id = this.caseId;
    this.area = element("textarea", { id: "note-text", rows: "2", dir: "auto", "aria-describedby": "note-hint" });
    this.area.value = this.drafts.get(id, "note") ?? "";
    this.area.addEventListener("input", () => this.drafts.set(id, "note", this.area.value));
    this.area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        this.add();
      } else if (event.key === "Escape") this.area.blur();
    });
    this.ask = element(
      "select",
      { id: "note-ask" },
      element("option", { value: "" }, "nobody, only a note"),
      (this.colleagues ?? []).map((name) => element("option", { value: name }, name)),
    );
    this.form = element(
      "form.note",
      { novalidate: true, data: { case: id }, onsubmit: (event) => { event.preventDefault(); this.add(); } },
      element(
        "div.field",
        {},
        element("label", { for: "note-text" }, "Add a note"),
        element("p.hint.small", { id: "note-hint" }, "No customer sees this, and the assistant doesn’t read it."),
        this.area,
      ),
      element("label.small.asking", { for: "note-ask" }, "Ask ", this.ask),
      element("button.small", {}, "Add note"),
    );
    return this.form;
  }

  answer(note) {
    this.answering = note.id;
    this.ask.value = "";
    this.form.querySelector("label").textContent = `Answer ${note.author}`;
    this.area.focus();
  }

  focus() {
    this.area?.focus();
  }

  async add() {
    const text = this.area.value.trim();
    const over = [...text].length - LONGEST;
    const wrong = text ? (over > 0 ? `Shorten the note by ${over} characters` : "") : "Enter a note";
    setFieldError(this.area, wrong);
    if (wrong || this.busy) {
      this.area.focus();
      return;
    }
    const id = this.caseId;
    this.busy = true;
    try {
      const body = this.answering ? { text, answers: this.answering } : { text, ...(this.ask.value ? { asks: this.ask.value } : {}) };
      await this.session.call(`/cases/${id}/notes`, { method: "POST", body });
      this.drafts.set(id, "note", "");
      if (this.caseId !== id) return;
      this.answering = null;
      this.form.remove();
      await this.show(id);
      this.area.focus();
    } catch (error) {
      if (this.caseId === id) setFieldError(this.area, `${error.sentences} The note was not added`);
    } finally {
      this.busy = false;
    }
  }

  close() {
    this.caseId = null;
  }
}

function section(title, ...content) {
  return element("section", {}, element("h2", {}, title), ...content);
}

/** The tone of each turn as a line, with the first and the last in words. */
function sparkline(moods) {
  const width = 220;
  const x = (index) => 4 + (index * (width - 8)) / (moods.length - 1);
  const y = (polarity) => 20 - 16 * polarity;
  const svg = (name, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  const first = polarityName(moods[0].polarity);
  const last = polarityName(moods.at(-1).polarity);
  const words = first === last ? `${plainWords(last)} from the first to the last turn` : `From ${first} to ${last}`;
  const chart = svg("svg", { class: "sparkline", viewBox: `0 0 ${width} 40`, role: "img", "aria-label": `Tone of ${moods.length} turns. ${words}` });
  chart.append(
    svg("line", { class: "zero", x1: 0, x2: width, y1: 20, y2: 20 }),
    svg("polyline", { points: moods.map(({ polarity }, index) => `${x(index)},${y(polarity)}`).join(" ") }),
    svg("circle", { cx: x(moods.length - 1), cy: y(moods.at(-1).polarity), r: 3 }),
  );
  return element("div", {}, chart, element("p.small", {}, words, element("span.muted", {}, ` over ${moods.length} turns`)));
}

function decision({ action, reviewer, at, proposal, text, reason }) {
  const changed = action === "edit" && text !== null;
  return element(
    "li",
    {},
    element("p", {}, element("b", {}, reviewer), ` ${ACTIONS[action] ?? plainWords(action)} `, timeElement(at)),
    reason && element("p.small", { dir: "auto" }, reason),
    (changed || action === "answer") &&
      element(
        "details",
        {},
        element("summary.small", {}, changed ? "What was changed" : "The answer"),
        element(
          "blockquote.small",
          { dir: "auto" },
          changed ? wordDiff(proposal, text).map(({ kind, text: part }) => (kind === "same" ? part : element(kind === "in" ? "ins" : "del", {}, part))) : text,
        ),
      ),
  );
}

function earlierCase({ id, channel, status, opened_at: openedAt, topic }) {
  return element(
    "li",
    {},
    element("a", { href: addressOf("case", id) }, topic ? plainWords(topic) : channelName(channel)),
    element("span.muted.small", {}, ` ${channelName(channel)}, ${status}, `, timeElement(openedAt)),
  );
}
