// The files of a message: name, type and size of each. One is fetched and kept, never opened here.

import { element } from "../elements.js";

const KEPT = 60_000;
const REASONS = {
  empty: "it was empty",
  too_large: "it was too large",
  too_many: "there were too many",
  program: "it may be a program",
  archive_bomb: "it unpacks to far too much",
  archive_locked: "it is locked with a password",
  archive_nested: "it has an archive inside",
  archive_broken: "it is damaged",
};

/** @param {Object} line of the API's transcript */
export function fileList(line) {
  if (!line.files?.length) return null;
  return element("ul.files", { "aria-label": "Files" }, line.files.map((file) => element("li", {}, entry(line, file))));
}

function entry(line, file) {
  const facts = element("span.muted.small", {}, `${kindOf(file)}, ${sizeOf(file.size)}`);
  if (file.refusal !== null) {
    return [element("span.name", {}, file.name), facts, element("span.small", {}, `Not kept: ${REASONS[file.refusal] ?? "we don’t take its type"}`)];
  }
  const trouble = element("span.state.bad", { role: "status" });
  const name = file.ordinal === 0 ? "The message as it came in" : file.name;
  const link = element("button.link", { type: "button", onclick: () => save(line, file, trouble) }, element("span.unseen", {}, "Download "), name);
  return [link, facts, trouble];
}

async function save(line, file, trouble) {
  trouble.textContent = "";
  try {
    const response = await fetch(`/v1/review/files/${line.id}/${file.ordinal}`, {
      cache: "no-store",
      credentials: "same-origin",
    });
    if (response.status === 401) document.dispatchEvent(new Event("session-over"));
    if (!response.ok) throw new Error(String(response.status));
    const url = URL.createObjectURL(await response.blob());
    element("a", { href: url, download: file.name }).click();
    setTimeout(() => URL.revokeObjectURL(url), KEPT);
  } catch {
    trouble.textContent = "It could not be read. Try again.";
  }
}

function kindOf(file) {
  const ending = file.name.includes(".") ? file.name.split(".").pop() : "";
  return ending && ending.length <= 5 ? ending.toUpperCase() : file.media_type;
}

function sizeOf(bytes) {
  return bytes >= 1_048_576 ? `${(bytes / 1_048_576).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} KB`;
}
