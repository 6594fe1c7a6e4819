/** Index lists as the node reads them, and the pairs that two of them make. No page, no node: plain functions. */

const MOST_DIGITS = 9;
/** Of what is expanded: lists may name more faces than there are. */
const MOST_ENTRIES = 1000;

/** The face numbers of a list such as `0,2-4`, `-1` or `*` where there are `count` faces; null if it can't be read. */
export function parseIndexes(text, count) {
  if (text.trim() === "*") return Array.from({ length: count }, (_, number) => number);
  const numbers = [];
  for (const entry of text.split(",")) {
    const found = entry.match(/^ *(?:-(\d+)|(\d+)(?: *- *(\d+))?) *$/);
    if (!found) return null;
    const [fromEnd, first, last] = found.slice(1);
    if ([fromEnd, first, last].some((digits) => digits && digits.length > MOST_DIGITS)) return null;
    if (fromEnd !== undefined) {
      if (Number(fromEnd) === 0) return null;
      numbers.push(count - Number(fromEnd));
      continue;
    }
    const end = last === undefined ? Number(first) : Number(last);
    if (end < Number(first) || end - Number(first) + numbers.length > MOST_ENTRIES) return null;
    for (let number = Number(first); number <= end; number++) numbers.push(number);
  }
  return numbers;
}

/** Source numbers by target number; null where the lists can't be read or don't fit each other. */
export function pairsOf(targetText, sourceText, pairing, targetCount, sourceCount) {
  const targets = parseIndexes(targetText, targetCount);
  const sources = parseIndexes(sourceText, sourceCount);
  if (!targets || !sources || !sources.length) return null;
  const loose = targetText.trim() === "*" || sourceText.trim() === "*";
  if (pairing !== "round-robin" && sources.length !== 1 && sources.length !== targets.length && !loose) return null;
  const pairs = new Map();
  targets.forEach((target, place) => {
    const source = sources.length === 1 ? sources[0] : sources[pairing === "round-robin" ? place % sources.length : place];
    if (source !== undefined && target >= 0 && !pairs.has(target)) pairs.set(target, source);
  });
  return pairs;
}

/** Both lists for these pairs, targets in rising order. */
export function textsOf(pairs) {
  const targets = [...pairs.keys()].sort((a, b) => a - b);
  return [targets.join(","), targets.map((target) => pairs.get(target)).join(",")];
}

/** The pairs after a click on a target: with the chosen donor, or parted where it has that one or none is chosen. */
export function clicked(pairs, target, donor) {
  const changed = new Map(pairs);
  if (donor === null || changed.get(target) === donor) changed.delete(target);
  else changed.set(target, donor);
  return changed;
}
