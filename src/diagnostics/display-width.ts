/** Tab stops of what we print; editors differ, carets do not as long as the tab itself is printed as spaces. */
const TAB_WIDTH = 4;

const ZERO_WIDTH = /^(?:[\p{Mn}\p{Me}]|[\u200B-\u200D\u2060])$/u;
/** Would move the cursor, colour the terminal or turn the writing direction of the lines around them. */
const UNPRINTABLE = /^[\p{Cc}\p{Cs}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;

/** Code points that take two columns in a terminal (East Asian wide and full width), as [first, last]. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

/** One character as it is printed. */
export interface Cell {
  readonly text: string;
  /** Terminal columns it takes. */
  readonly width: number;
  /** UTF-16 offset in the line, and the offset after it. */
  readonly start: number;
  readonly end: number;
}

/** @returns a line as cells: tabs as spaces, what a terminal would obey as `�`. */
export function cells(line: string): readonly Cell[] {
  const result: Cell[] = [];
  let column = 0;
  let start = 0;
  for (const character of line) {
    const { text, width } = cellOf(character, column);
    result.push({ text, width, start, end: start + character.length });
    start += character.length;
    column += width;
  }
  return result;
}

function cellOf(character: string, column: number): { text: string; width: number } {
  if (character === "\t") {
    const width = TAB_WIDTH - (column % TAB_WIDTH);
    return { text: " ".repeat(width), width };
  }
  const code = character.codePointAt(0) ?? 0;
  if (code >= 0x20 && code < 0x7f) return { text: character, width: 1 };
  if (UNPRINTABLE.test(character)) return { text: "�", width: 1 };
  if (ZERO_WIDTH.test(character)) return { text: character, width: 0 };
  const wide = EMOJI.test(character) || WIDE.some(([first, last]) => code >= first && code <= last);
  return { text: character, width: wide ? 2 : 1 };
}
