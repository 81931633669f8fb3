// The languages of the widget, and which of them to speak. English comes with the script; another is one small file more.

import en from "./words/en.json" with { type: "json" };

const OTHERS = ["de", "es", "fr"];
const PATIENCE_FOR_WORDS = 4_000;

/**
 * @param {string} host where the other languages are
 * @param {...(string|null|undefined)} wanted language tags, the most wanted first
 * @returns {Promise<Object>} the words of the first of them that is there, else English ones; `lang` names the language
 */
export async function speak(host, ...wanted) {
  const lang = wanted.map((tag) => tag?.slice(0, 2).toLowerCase()).find((tag) => tag === "en" || OTHERS.includes(tag));
  if (lang === undefined || lang === "en") return { ...en, lang: "en" };
  try {
    const options = { credentials: "omit", signal: AbortSignal.timeout(PATIENCE_FOR_WORDS) };
    return { ...en, ...await (await fetch(`${host}/chat/${lang}.json`, options)).json(), lang };
  } catch {
    return { ...en, lang: "en" };
  }
}

/** A text with `{n}` in it, for this number or name; "one|many" has a form for one. */
export function say(text, n, lang) {
  const [one, many = one] = text.split("|");
  return (n === 1 ? one : many).replace("{n}", typeof n === "number" ? n.toLocaleString(lang) : n);
}
