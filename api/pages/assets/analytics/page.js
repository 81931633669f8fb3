// The figures: pages that the server makes, shown here because a link can't carry the staff key.

import { byId } from "../elements.js";
import { request } from "../requests.js";
import { Session } from "../review/session.js";

const session = new Session({ onIn: () => show(location.search), onOut: clear, title: "Analytics" });

let asked = 0;

/** Brings the page of a query. It is parsed as a document of its own, in which nothing runs. */
async function show(query) {
  const mine = ++asked;
  byId("told").textContent = "Looking …";
  try {
    const page = await brought(query);
    if (mine !== asked) return;
    byId("told").textContent = "";
    byId("figures").replaceChildren(...document.importNode(page.getElementById("content"), true).children);
  } catch (error) {
    if (mine === asked) byId("told").textContent = error.sentences ?? "Something went wrong.";
  }
}

function brought(query) {
  return new Promise((resolve, reject) => {
    const asking = new XMLHttpRequest();
    asking.open("GET", `/analytics/page${query}`);
    asking.responseType = "document";
    asking.setRequestHeader("Authorization", `Bearer ${session.key}`);
    asking.addEventListener("load", () => {
      if (asking.status === 200) resolve(asking.responseXML);
      // Asked once more as JSON: the problem says what was wrong, and a key that is accepted no more leads to the form.
      else session.call(`/v1/analytics${query.replace(/([?&])metric=[^&]*&?/, "$1")}`).then(() => reject(new Error()), reject);
    });
    asking.addEventListener("error", () => reject(new Error()));
    asking.send();
  });
}

function clear() {
  asked += 1;
  byId("figures").replaceChildren();
  byId("told").textContent = "";
}

function go(query) {
  history.pushState(null, "", `/analytics${query}`);
  return show(query);
}

async function download(link) {
  const told = byId("figures").querySelector("[data-told]");
  told.textContent = "Making it …";
  try {
    const answer = await fetch(link.href, { headers: { Authorization: `Bearer ${session.key}` }, cache: "no-store" });
    if (!answer.ok) {
      await request(link.href, { key: session.key });
      throw new Error();
    }
    const file = document.createElement("a");
    file.href = URL.createObjectURL(await answer.blob());
    file.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "figures";
    file.click();
    URL.revokeObjectURL(file.href);
    told.textContent = "";
  } catch (error) {
    told.textContent = error.sentences ?? "It could not be made.";
  }
}

byId("figures").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = [...new FormData(event.target)].filter(([, value]) => value !== "*");
  go(`?${new URLSearchParams(chosen)}`);
});
byId("figures").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-here], a[data-download]");
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.matches("[data-download]")) download(link);
  else go(link.search);
});
addEventListener("popstate", () => show(location.search));
session.start();
