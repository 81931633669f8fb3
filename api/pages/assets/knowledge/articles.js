// The articles: the list with its filter, and one of them with what it said in each version.

import { byId, element } from "../elements.js";
import { linkTo, safeUrl } from "../links.js";
import { timeElement } from "../moments.js";
import { wordDiff } from "../review/diff.js";
import { languageName, plainWords } from "../review/words.js";
import { articleAddress } from "./address.js";

const PAGE = 50;
/** Milliseconds without another key before the list is asked for again. */
const PAUSE = 250;
export const AUDIENCES = { public: "everybody", customers: "customers who are known", staff: "staff" };

/**
 * The list. `look` asks for something and says what came of it: `(request, render)`.
 * @param {{session: Object, look: Function}} desk
 */
export function articleList({ session, look }) {
  const rows = element("ol.found", { id: "found" });
  const more = element("button", { type: "button", hidden: true, onclick: () => load(rows.children.length) }, "Show more");
  const text = element("input", { type: "search", id: "text", maxlength: 200, autocomplete: "off", "aria-keyshortcuts": "/" });
  let pause = 0;
  const load = (offset) => look(
    () => session.call(`/v1/knowledge/articles?limit=${PAGE + 1}&offset=${offset}&text=${encodeURIComponent(text.value.trim())}`),
    ({ items }) => {
      if (offset === 0) rows.replaceChildren();
      rows.append(...items.slice(0, PAGE).map(articleLine));
      more.hidden = items.length <= PAGE;
      const shown = rows.children.length;
      if (shown) return `${more.hidden ? "" : "The first "}${shown} article${shown === 1 ? "" : "s"}`;
      return text.value.trim() ? "No article's title or file has this." : "There is no article yet: csagent knowledge add PATH";
    },
  );
  text.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => load(0), PAUSE);
  });
  load(0);
  return [
    element("div.field", { role: "search" }, element("label", { for: "text" }, "Find by title or file"), text),
    rows,
    more,
  ];
}

function articleLine(article) {
  return element(
    "li",
    {},
    element("h2", {}, element("a", { href: articleAddress(article.id) }, article.title)),
    element("p.muted.small", {}, `${place(article)} · ${languageName(article.language)} · for ${AUDIENCES[article.audience]} · changed `, timeElement(article.updated_at)),
    element("p.small.states", {}, states(article).map((words) => element("span.state", {}, words))),
  );
}

/** What keeps an article from being told, or soon will. */
function states({ effective_at: from, expires_at: until, missing_since: missing }) {
  const day = (iso) => iso.slice(0, 10);
  return [
    from && new Date(from) > new Date() && `not told before ${day(from)}`,
    until && (new Date(until) > new Date() ? `told until ${day(until)}` : `not told since ${day(until)}`),
    missing && `its source has it no more, since ${day(missing)}`,
  ].filter(Boolean);
}

/**
 * One article in one version, its newest unless another is asked for.
 * @param {{session: Object, look: Function, goTo: Function}} desk
 */
export async function articlePage({ session, look, goTo }, id, wanted) {
  const path = `/v1/knowledge/articles/${id}`;
  const { items: versions } = await session.call(`${path}/versions?limit=200`);
  const number = wanted ?? versions[0].version;
  const reading = [session.call(`${path}/versions/${number}`), number > 1 ? kept(session, `${path}/versions/${number - 1}`) : null];
  const [version, before] = await Promise.all(reading);
  const removed = versions[0].change === "removed";
  const restore = () => confirmed(() => look(
    () => session.call(`${path}/restore`, { method: "POST", body: { version: number } }),
    async () => {
      await goTo(articleAddress(id));
      return `Version ${number} is back.`;
    },
  ));
  return [
    element("p", {}, element("a", { href: "#articles" }, "All articles")),
    element("h2.title", {}, version.title),
    removed && element("p.notice.warn", {}, "This article was removed: nobody is told it any more."),
    element("dl.about", {}, facts(version)),
    session.may("knowledge.write") && (removed || number !== versions[0].version) &&
      element("button.restore", { type: "button", onclick: restore }, `Bring version ${number} back`),
    element("div.passage.body", { dir: "auto" }, version.body),
    before && element("details", {}, element("summary", {}, `What changed since version ${number - 1}`), changes(before, version)),
    element("h3", {}, "Versions"),
    element("ol.versions", {}, versions.map((one) => versionLine(id, one, number))),
  ].filter(Boolean);
}

/** An older version may not have been kept. */
async function kept(session, path) {
  try {
    return await session.call(path);
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function facts(version) {
  const url = version.url && safeUrl(version.url);
  return [
    ["Version", `${version.version}, ${version.change} by ${version.changed_by}, `, timeElement(version.changed_at)],
    ["From", place(version)],
    url && ["Address", linkTo(url, url)],
    ["Language", languageName(version.language)],
    ["Told to", AUDIENCES[version.audience]],
    version.effective_at && ["Not before", timeElement(version.effective_at)],
    version.expires_at && ["Until", timeElement(version.expires_at)],
  ].filter(Boolean).map(([term, ...words]) => element("div", {}, element("dt", {}, term), element("dd", {}, words)));
}

function changes(before, after) {
  const said = ({ title, body }) => `${title}\n\n${body}`;
  const words = wordDiff(said(before), said(after)).map(({ kind, text }) => {
    if (kind === "same") return text;
    return element(kind === "in" ? "ins" : "del", {}, text);
  });
  const rest = ["language", "audience", "url", "effective_at", "expires_at"]
    .filter((name) => before[name] !== after[name])
    .map((name) => element("li", {}, `${plainWords(name)}: ${before[name] ?? "none"}, now ${after[name] ?? "none"}`));
  return [element("div.passage.diff", { dir: "auto" }, words), rest.length > 0 && element("ul.small", {}, rest)];
}

function versionLine(id, one, shown) {
  return element(
    "li",
    {},
    element("a", { href: articleAddress(id, one.version), "aria-current": one.version === shown ? "true" : null }, `Version ${one.version}`),
    element("span.muted.small", {}, ` ${one.change} by ${one.changed_by}, `, timeElement(one.changed_at), `, ${one.characters.toLocaleString()} characters`),
  );
}

export function place(article) {
  return `${article.source}/${article.slug}`;
}

function confirmed(then) {
  const dialog = byId("confirm-restore");
  dialog.returnValue = "";
  dialog.addEventListener("close", () => { if (dialog.returnValue === "restore") then(); }, { once: true });
  dialog.showModal();
}
