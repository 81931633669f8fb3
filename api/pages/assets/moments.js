// Times for people: the reader's zone and language, exact on hover, and what is left before what is past.

import { now } from "./clock.js";
import { element } from "./elements.js";

const MINUTE = 60_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockWithDay = new Intl.DateTimeFormat(undefined, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
});
const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** "14:02" today, "Yesterday, 14:02", else with the day. */
export function shortTime(date) {
  const today = new Date(now());
  if (date.toDateString() === today.toDateString()) return clock.format(date);
  today.setDate(today.getDate() - 1);
  if (date.toDateString() === today.toDateString()) return `Yesterday, ${clock.format(date)}`;
  return clockWithDay.format(date);
}

/** A `<time>` with the short form as text and the exact one on hover. */
export function timeElement(iso, text = shortTime) {
  const date = new Date(iso);
  return element("time", { datetime: date.toISOString(), title: inFull.format(date) }, text(date));
}

/** "40 s", "12 min", "3 h 5 min", "2 d 4 h": two units at most, rounded down. */
export function duration(milliseconds) {
  const minutes = Math.floor(milliseconds / MINUTE);
  if (minutes < 1) return "under 1 min";
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

/** "12 min left" or "3 min late". */
export function timeLeft(date) {
  const left = date.getTime() - now();
  return left >= 0 ? `${duration(left)} left` : `${duration(-left)} late`;
}

/** "waits 12 min". */
export function waitingSince(date) {
  return `waits ${duration(Math.max(0, now() - date.getTime()))}`;
}

const WORDINGS = { left: timeLeft, waits: waitingSince };

/** A `<time>` that `tick` keeps true. `wording` is "left" or "waits". */
export function tickingTime(iso, wording) {
  const node = timeElement(iso, WORDINGS[wording]);
  node.dataset.ticks = wording;
  node.classList.toggle("late", wording === "left" && new Date(iso).getTime() < now());
  return node;
}

/** Brings every ticking time on the page up to date; only texts that changed are touched. */
export function tick() {
  for (const node of document.querySelectorAll("time[data-ticks]")) {
    const date = new Date(node.dateTime);
    const text = WORDINGS[node.dataset.ticks](date);
    if (node.textContent !== text) node.textContent = text;
    node.classList.toggle("late", node.dataset.ticks === "left" && date.getTime() < now());
  }
}
