// The private page without this script is whole; with it, times are the reader's own and news is noticed by itself.

import { timeElement } from "../moments.js";

const WAIT = 25;
const QUIET = 15_000;
const LONGEST = 60_000;

for (const time of document.querySelectorAll(".talk time")) time.replaceWith(timeElement(time.dateTime));

const standing = document.getElementById("standing");
const token = location.pathname.split("/").pop();

/** Looks for news until there is some. It is announced, and shown when the reader asks: no page moves by itself. */
async function follow() {
  let pause = 1_000;
  for (;;) {
    const began = Date.now();
    try {
      const answer = await fetch(`/v1/web/form/messages?after=${standing.dataset.cursor}&wait=${WAIT}`, {
        headers: { Authorization: `Bearer ${token}` },
        cache: "no-store",
      });
      if (answer.status === 404) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const { messages, activity, asks } = await answer.json();
      const shown = standing.dataset;
      if (messages.some(({ author }) => author !== "customer") || activity !== shown.activity || (asks ?? "") !== shown.asks) {
        announce();
        return;
      }
      pause = Math.max(QUIET - (Date.now() - began), 1_000);
    } catch {
      pause = Math.min(pause * 2, LONGEST);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function announce() {
  const check = document.getElementById("check");
  document.getElementById("news").hidden = false;
  check.hidden = false;
  check.classList.add("primary");
  check.textContent = check.dataset.news;
  document.title = `(1) ${document.title}`;
}

follow();
