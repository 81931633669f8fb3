// What the address says is open: #queue, #cases, #asked, #e/<escalation>, #c/<case>.

const OPEN = /^#([ec])\/([0-9A-Za-z-]{1,64})$/;

/** @returns {{list: "queue"|"cases"|"asked", kind: "escalation"|"case"|null, id: string|null}} */
export function readAddress() {
  const match = OPEN.exec(location.hash);
  if (match === null) {
    const list = ["#cases", "#asked"].includes(location.hash) ? location.hash.slice(1) : "queue";
    return { list, kind: null, id: null };
  }
  return match[1] === "e"
    ? { list: "queue", kind: "escalation", id: match[2] }
    : { list: "cases", kind: "case", id: match[2] };
}

export function addressOf(kind, id) {
  return `#${kind === "escalation" ? "e" : "c"}/${id}`;
}

/** Opens an address without adding to the history: going back shall not lead to what was just decided. */
export function goTo(hash) {
  history.replaceState(null, "", hash);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
