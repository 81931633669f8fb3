// Remembers JSON values in the browser's storage, or for this page only where the browser allows no storage.

/** A small store over localStorage or sessionStorage; `lasting` says whether it outlives the page. */
export class Memory {
  constructor(name, prefix) {
    this.prefix = prefix;
    this.values = new Map();
    try {
      this.storage = window[name];
      this.storage.setItem(`${prefix}probe`, "1");
      this.storage.removeItem(`${prefix}probe`);
      this.lasting = true;
    } catch {
      this.lasting = false;
    }
  }

  get(key) {
    const stored = () => this.storage?.getItem(this.prefix + key);
    const text = this.lasting ? stored() : this.values.get(key) ?? stored();
    if (text === null || text === undefined) return null;
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  set(key, value) {
    const text = JSON.stringify(value);
    this.values.set(key, text);
    if (!this.lasting) return;
    try {
      this.storage.setItem(this.prefix + key, text);
    } catch {
      // Full: from here on the values live as long as the page.
      this.lasting = false;
    }
  }

  /** The keys that begin so, those too that are left in a storage that has become full. */
  keys(beginning) {
    const stored = Object.keys(this.storage ?? {}).filter((name) => name.startsWith(this.prefix));
    const names = new Set([...stored.map((name) => name.slice(this.prefix.length)), ...this.values.keys()]);
    return [...names].filter((name) => name.startsWith(beginning));
  }

  remove(key) {
    this.values.delete(key);
    this.storage?.removeItem(this.prefix + key);
  }
}
