// What the address says is open: #articles, #article/<id>, #article/<id>/<version>, #check, #gaps, #gap/<id>, #try.

const OPEN = /^#(article|gap)\/([0-9A-Za-z-]{1,64})(?:\/([1-9][0-9]{0,9}))?$/;
const VIEWS = ["articles", "check", "gaps", "try"];

/** Which tab an opened one belongs to. */
export const TAB = { article: "articles", gap: "gaps" };

/** @returns {{view: string, id: string|null, version: number|null}} */
export function readAddress() {
  const match = OPEN.exec(location.hash);
  if (match !== null) return { view: match[1], id: match[2], version: match[3] ? Number(match[3]) : null };
  const view = location.hash.slice(1);
  return { view: VIEWS.includes(view) ? view : "articles", id: null, version: null };
}

export function articleAddress(id, version) {
  return version ? `#article/${id}/${version}` : `#article/${id}`;
}
