// Who works here, as the server said it in the page, and the requests that the session's cookie goes along with.

import { byId } from "../elements.js";
import { Memory } from "../memory.js";
import { Refused, request } from "../requests.js";

/** Goes with what a page asks by itself, so that an open page keeps nobody signed in. */
export const BY_ITSELF = { headers: { "X-Background": "1" } };

export class Session {
  /** @param {{onOut?: Function}} [options] `onOut` takes away what the page shows of anybody's */
  constructor({ onOut = () => {} } = {}) {
    this.name = document.body.dataset.name;
    this.permissions = new Set(document.body.dataset.may.split(" "));
    // By name: whoever signs in next in this tab finds nothing of somebody else's.
    this.memory = new Memory("sessionStorage", `support.${this.name}.`);
    this.over = false;
    this.onOut = onOut;
    for (const form of document.querySelectorAll("form.sign-out")) {
      form.addEventListener("submit", () => this.memory.keys("").forEach((key) => this.memory.remove(key)));
    }
    // From whoever asks without `call`, for a file.
    document.addEventListener("session-over", () => this.end());
  }

  may(permission) {
    return this.permissions.has(permission);
  }

  /** A request below the review API, or to a whole path. When the session is over the page says so; what was typed is kept. */
  async call(path, options = {}) {
    try {
      const whole = path.startsWith("/v1/") ? path : `/v1/review${path}`;
      return await request(whole, { ...options, credentials: "same-origin" });
    } catch (error) {
      if (error instanceof Refused && error.status === 401) this.end();
      throw error;
    }
  }

  end() {
    if (this.over) return;
    this.over = true;
    this.onOut();
    const again = byId("sign-in-again");
    again.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.hash)}`;
    byId("desk").hidden = true;
    byId("signed-out").hidden = false;
    document.title = `Signed out – ${document.title}`;
    again.focus();
  }
}
