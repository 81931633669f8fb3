// The way to an earlier conversation: prove an email address with a code that is sent to it.

import { element, setFieldError } from "../elements.js";
import { Refused, request } from "../requests.js";
import { EMAIL } from "./composer.js";

/**
 * @param {{host: string, words: Object, key: string|null, onProved: (answer: Object|null) => void}} options
 *   `key` is the conversation's token
 * @returns {HTMLElement} what the view shows
 */
export function proof({ host, words, key, onProved }) {
  const ask = (what, body) => request(`${host}/v1/web/identity/${what}`, { method: "POST", body, key });
  const box = element("div.proof");
  const step = (input, label, button, send) => {
    const submit = element("button.primary", {}, button);
    const form = element("form", { novalidate: true }, element("div.field", {}, element("label", { for: input.id }, label), input), submit);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      const wrong = await send(input.value.trim());
      submit.disabled = false;
      if (!wrong) return;
      setFieldError(input, wrong, words.error);
      input.focus();
    });
    return form;
  };
  const email = element("input", { type: "email", id: "prove-email", autocomplete: "email", maxlength: 320, spellcheck: "false" });
  const code = element("input", { id: "prove-code", autocomplete: "one-time-code", inputmode: "numeric", maxlength: 12 });
  const askCode = step(code, words.code, words.prove, async (value) => {
    try {
      onProved(await ask("proof", { code: value }));
    } catch (error) {
      return error instanceof Refused && error.status < 500 ? words.codeWrong : words.failed;
    }
    box.replaceChildren(element("p", { role: "status" }, words.proved));
    return undefined;
  });
  const askEmail = step(email, words.email, words.sendCode, async (value) => {
    if (!EMAIL.test(value)) return words.emailWrong;
    try {
      await ask("codes", { email: value });
    } catch {
      return words.failed;
    }
    box.replaceChildren(element("p", { role: "status" }, words.codeSent), askCode);
    code.focus();
    return undefined;
  });
  box.append(element("p", {}, words.earlierText), askEmail);
  return box;
}
