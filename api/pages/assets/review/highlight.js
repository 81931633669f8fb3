// Finds passages in a text and gives its parts back in order, ready to be made into nodes.

/**
 * @param {string} text
 * @param {Array<{find: string, label: *}>} wanted sentences; white space counts as equal
 * @returns {Array<{text: string, labels: Array}>} parts that together are the text; labels are empty between findings
 */
export function sentencesIn(text, wanted) {
  const found = new Map();
  for (const { find, label } of wanted) {
    if (!find.trim()) continue;
    const match = new RegExp(find.trim().split(/\s+/).map(escaped).join("\\s+"), "u").exec(text);
    if (match === null) continue;
    const known = found.get(match.index);
    if (known) {
      known.labels.push(label);
      known.end = Math.max(known.end, match.index + match[0].length);
    } else found.set(match.index, { start: match.index, end: match.index + match[0].length, labels: [label] });
  }
  return partsOf(text, [...found.values()].sort((a, b) => a.start - b.start));
}

/** Finds whole words or phrases, wherever they stand. */
export function wordsIn(text, words) {
  const wanted = words.filter((word) => word.trim()).map(escaped);
  if (!wanted.length) return [{ text, labels: [] }];
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${wanted.join("|")})(?![\\p{L}\\p{N}])`, "giu");
  const ranges = [...text.matchAll(pattern)].map((match) => ({
    start: match.index, end: match.index + match[0].length, labels: [match[0]],
  }));
  return partsOf(text, ranges);
}

function partsOf(text, ranges) {
  const parts = [];
  let end = 0;
  for (const range of ranges) {
    if (range.start < end) continue;
    if (range.start > end) parts.push({ text: text.slice(end, range.start), labels: [] });
    parts.push({ text: text.slice(range.start, range.end), labels: [...new Set(range.labels)] });
    end = range.end;
  }
  if (end < text.length) parts.push({ text: text.slice(end), labels: [] });
  return parts;
}

function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
