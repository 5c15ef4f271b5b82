/**
 * Splits the value of a repeated header at commas outside of double quotes and trims the parts. A quote that never closes is an ordinary
 * character: it must not hide what follows it.
 */
export function splitHeader(value: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quotes = true;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === ",") {
      parts.push(trimBlanks(value, start, at));
      start = at + 1;
    } else if (character === '"' && quotes) {
      const end = closingQuote(value, at);
      // Not looked for again: a header of many quotes would take time beyond measure.
      quotes = end !== undefined;
      at = end ?? at;
    }
  }
  parts.push(trimBlanks(value, start, value.length));
  return parts;
}

function closingQuote(value: string, open: number): number | undefined {
  for (let at = open + 1; at < value.length; at++) {
    if (value[at] === "\\") at++;
    else if (value[at] === '"') return at;
  }
  return undefined;
}

/** Spaces and tabs only: nothing else is optional white space in HTTP. Not a regular expression, which would be quadratic. */
function trimBlanks(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text[start])) start++;
  while (end > start && isBlank(text[end - 1])) end--;
  return text.slice(start, end);
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}
