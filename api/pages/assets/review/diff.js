// What somebody changed in a text, word by word.

const MOST = 1_500;

/**
 * @param {string} before
 * @param {string} after
 * @returns {Array<{kind: "same"|"out"|"in", text: string}>} whose same and out parts are `before`, same and in `after`
 */
export function wordDiff(before, after) {
  const from = words(before);
  const to = words(after);
  if (from.length > MOST || to.length > MOST) return [{ kind: "out", text: before }, { kind: "in", text: after }];
  const lengths = common(from, to);
  const parts = [];
  let i = 0;
  let j = 0;
  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      add(parts, "same", from[i]);
      i += 1;
      j += 1;
    } else if (j >= to.length || (i < from.length && lengths[i + 1][j] >= lengths[i][j + 1])) {
      add(parts, "out", from[i]);
      i += 1;
    } else {
      add(parts, "in", to[j]);
      j += 1;
    }
  }
  return parts;
}

function words(text) {
  return text.match(/\s+|[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];
}

/** Of each pair of places, how many words the rests have in common at most. */
function common(from, to) {
  const lengths = Array.from({ length: from.length + 1 }, () => new Uint16Array(to.length + 1));
  for (let i = from.length - 1; i >= 0; i -= 1) {
    for (let j = to.length - 1; j >= 0; j -= 1) {
      lengths[i][j] = from[i] === to[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}

function add(parts, kind, text) {
  const last = parts.at(-1);
  if (last?.kind === kind) last.text += text;
  else parts.push({ kind, text });
}
