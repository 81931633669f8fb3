// What a reviewer has typed and not sent, by what it belongs to. It survives conflicts, reloads and a new sign-in.

/** Texts by id and mode (edit, answer, reject, write). */
export class Drafts {
  constructor(memory) {
    this.memory = memory;
  }

  get(id, mode) {
    return this.memory.get(`draft.${id}`)?.[mode] ?? null;
  }

  set(id, mode, text) {
    this.memory.set(`draft.${id}`, { ...this.memory.get(`draft.${id}`), [mode]: text });
  }

  remove(id) {
    this.memory.remove(`draft.${id}`);
  }
}
