// What is searched for goes from page to page in the tab's memory, never in an address, which servers write down.

const KEY = "conversations.search";

/** @returns {{text: string, by: string|null}|null} what was searched for last in this tab */
export const lastSearch = (memory) => memory.get(KEY);

export const keepSearch = (memory, text, by = null) => (text ? memory.set(KEY, { text, by }) : memory.remove(KEY));

/** Lets a field of another page search all conversations. @param {HTMLInputElement} field @param {HTMLAnchorElement} link */
export function searchAll(field, link, memory) {
  const follow = () => { link.hidden = !field.value.trim(); };
  field.addEventListener("input", follow);
  link.addEventListener("click", () => keepSearch(memory, field.value.trim()));
  follow();
}
