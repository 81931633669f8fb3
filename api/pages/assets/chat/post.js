// Sends one message: as JSON, or with its files as a form whose progress can be told.

import { Refused, Unreachable, request } from "../requests.js";

/** Milliseconds after which an upload is given up. */
const LONGEST_UPLOAD = 300_000;

/**
 * @param {string} host where the API is
 * @param {{key: string, text: string, who: Object, files: File[], person: boolean}} entry gets `progress`, in per cent
 * @param {string|null} token
 * @param {() => void} onProgress
 * @returns {Promise<Object>} the server's answer
 */
export function post(host, entry, token, onProgress) {
  const fields = { ...(entry.text ? { text: entry.text } : {}), ...entry.who, ...(entry.person ? { wants_person: true } : {}) };
  const path = `${host}/v1/web/messages`;
  if (!entry.files.length) {
    return request(path, { method: "POST", body: fields, headers: { "Idempotency-Key": entry.key }, key: token });
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, String(value));
  for (const file of entry.files) form.append("file", file, file.name);
  return upload(path, form, { entry, token, onProgress });
}

/** `fetch` tells no progress of what it sends. */
function upload(path, form, { entry, token, onProgress }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    const lost = () => {
      entry.progress = null;
      reject(new Unreachable());
    };
    sending.open("POST", path);
    sending.timeout = LONGEST_UPLOAD;
    sending.setRequestHeader("Accept", "application/json");
    sending.setRequestHeader("Idempotency-Key", entry.key);
    if (token) sending.setRequestHeader("Authorization", `Bearer ${token}`);
    sending.upload.addEventListener("progress", ({ loaded, total }) => {
      entry.progress = Math.floor((loaded / total) * 100);
      onProgress();
    });
    sending.addEventListener("error", lost);
    sending.addEventListener("timeout", lost);
    sending.addEventListener("load", () => {
      entry.progress = null;
      let answer = null;
      try {
        answer = JSON.parse(sending.responseText);
      } catch {
        if (sending.status < 400) return lost();
      }
      if (sending.status < 400) return resolve(answer);
      return reject(new Refused(sending.status, answer ?? {}, Number(sending.getResponseHeader("Retry-After")) || null));
    });
    sending.send(form);
  });
}
