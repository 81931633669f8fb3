// JSON over HTTP. Every failure is one of two errors: the server said no, or nobody knows what happened.

import { learnClock } from "./clock.js";

const PATIENCE = 20_000;

/** The server answered, and the answer is no. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.status = status;
    this.hint = problem.hint ?? null;
    this.changes = problem.changes ?? null;
    this.retryAfter = retryAfter;
  }

  /** The detail and the hint as sentences. */
  get sentences() {
    return [this.message, this.hint].filter(Boolean).map(asSentence).join(" ");
  }

  /** Whether there is nothing, or nothing for whoever asks. */
  get gone() {
    return this.status === 401 || this.status === 404;
  }

  /** Whether the same request may do better a little later. */
  get passing() {
    return this.status === 429 || this.status >= 500;
  }
}

/** No answer came: the request may or may not have arrived. */
export class Unreachable extends Error {
  constructor() {
    super("The connection was lost.");
  }

  get sentences() {
    return this.message;
  }
}

/**
 * @param {string} path on this host, or a whole address
 * @param {{method?: string, body?: Object, headers?: Object, key?: string|null, credentials?: string, signal?: AbortSignal}} [options]
 *   `key` goes out as the bearer token; cookies go out only with `credentials: "same-origin"`
 * @returns {Promise<Object|null>} the JSON of the answer; null for an empty one
 */
export async function request(path, { method = "GET", body, headers = {}, key = null, credentials = "omit", signal } = {}) {
  const timeout = AbortSignal.timeout(PATIENCE);
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(key ? { Authorization: `Bearer ${key}` } : {}),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      cache: "no-store",
      credentials,
      redirect: "error",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable();
  }
  learnClock(response.headers.get("Date"));
  if (response.ok) return text === "" ? null : parsed(text);
  throw new Refused(response.status, problemOf(text), Number(response.headers.get("Retry-After")) || null);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    // Something between here and the server answered in its place, so nobody knows what the server did.
    throw new Unreachable();
  }
}

function problemOf(text) {
  try {
    const problem = JSON.parse(text);
    return problem !== null && typeof problem === "object" ? problem : {};
  } catch {
    return {};
  }
}

/** "try again" → "Try again." */
export function asSentence(text) {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** A random UUID. `crypto.randomUUID` exists only under https and on localhost, `getRandomValues` everywhere. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
