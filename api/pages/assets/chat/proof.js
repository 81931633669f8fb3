// The way to earlier conversations: prove an email address with a code that is sent to it, then read them.

import { element, setFieldError } from "../elements.js";
import { Refused, request } from "../requests.js";
import { EMAIL } from "./composer.js";

/**
 * Asks how the conversation's visitor is known.
 * @returns {Promise<{proven: boolean, can_prove: string[]}|null>} null where nothing can be proven
 */
export function standing(host, key) {
  return request(`${host}/v1/web/identity`, { key }).catch(() => null);
}

/**
 * @param {{host: string, words: Object, key: string, proven: boolean, draw: (message: Object) => Node}} options
 *   `key` is the conversation's token; `draw` shows a message
 * @returns {HTMLElement} what the view shows
 */
export function proof({ host, words, key, proven, draw }) {
  const ask = (what, body) => request(`${host}/v1/web/${what}`, { method: body ? "POST" : "GET", body, key });
  const box = element("div.proof");
  const tell = (text, ...more) => box.replaceChildren(element("p", { role: "status" }, text), ...more);
  const read = async (id) => {
    let after = 0;
    const said = element("div.log");
    for (;;) {
      const page = await ask(`conversations/${id}/messages?after=${after}`);
      if (page.messages.length === 0) break;
      said.append(...page.messages.map(draw));
      after = page.cursor;
    }
    box.replaceChildren(said);
  };
  const list = async () => {
    const { items } = await ask("conversations");
    tell(words.proved, ...items.filter((talk) => !talk.here).map(
      (talk) => element("button", { type: "button", onclick: () => read(talk.id) }, talk.first_line),
    ));
  };
  const step = (input, label, button, send) => {
    const form = element(
      "form", { novalidate: true },
      element("div.field", {}, element("label", { for: input.id }, label), input), element("button.primary", {}, button),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const wrong = await send(input.value.trim());
      if (!wrong) return;
      setFieldError(input, wrong, words.error);
      input.focus();
    });
    return form;
  };
  const email = element("input", { type: "email", id: "prove-email", autocomplete: "email", maxlength: 320, spellcheck: "false" });
  const code = element("input", { id: "prove-code", autocomplete: "one-time-code", inputmode: "numeric", maxlength: 40 });
  const askCode = step(code, words.code, words.prove, async (value) => {
    try {
      const { linked } = await ask("identity/proof", { code: value });
      if (linked) await list();
      else tell(words.contested);
    } catch (error) {
      return error instanceof Refused && error.status < 500 ? words.codeWrong : words.failed;
    }
    return undefined;
  });
  const askEmail = step(email, words.email, words.sendCode, async (value) => {
    if (!EMAIL.test(value)) return words.emailWrong;
    try {
      await ask("identity/codes", { email: value, language: words.lang });
    } catch {
      return words.failed;
    }
    tell(words.codeSent, askCode);
    code.focus();
    return undefined;
  });
  if (proven) list();
  else box.append(element("p", {}, words.earlierText), askEmail);
  return box;
}
