/**
 * HTTP/2 header blocks (RFC 7541), as far as a generator of load needs them: requests that name everything once per connection and refer
 * to it from then on, as every real client does; of answers `:status` and `grpc-status`.
 */

export type Header = readonly [name: string, value: string];

/** How many entries the static table has; those that either side adds are counted from there on. */
const STATIC_ENTRIES = 61;
/** What the peer's table holds unless it says otherwise, bytes; and what an entry takes besides its text. */
export const DEFAULT_TABLE_BYTES = 4_096;
const ENTRY_BYTES = 32;

/** @returns the block that adds every header to the server's table, and the one that every later request has. */
export function requestBlocks(headers: readonly Header[]): { readonly first: Buffer; readonly later: Buffer } {
  const first = headers.flatMap(([name, value]) => [ADD_TO_TABLE, ...literal(name), ...literal(value)]);
  // The last one that was added comes first.
  const later = headers.map((_, index) => INDEXED | (STATIC_ENTRIES + headers.length - index));
  return { first: Buffer.from(first), later: Buffer.from(later) };
}

const INDEXED = 0x80;
const ADD_TO_TABLE = 0x40;
const RESIZE = 0x20;
const HUFFMAN = 0x80;

function literal(text: string): readonly number[] {
  if (text.length >= 0x7f) throw new Error("a header that is too long to be written here");
  return [text.length, ...Buffer.from(text, "latin1")];
}

/** Statuses in the static table. */
const STATUSES = ["200", "204", "206", "304", "400", "404", "500"];
const FIRST_STATUS = 8;

/** Reads the header blocks of one connection, in the order in which they came. */
export class HeaderReader {
  #entries: Header[] = [];
  #bytes = 0;
  #limitBytes = DEFAULT_TABLE_BYTES;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /** @returns the value of each header; a name that only stands in the static table is `""` unless it is `:status`. */
  read(block: Buffer): ReadonlyMap<string, string> {
    this.#block = block;
    this.#at = 0;
    const headers = new Map<string, string>();
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0;
      const header = first & INDEXED ? this.#entry(this.#integer(7)) : this.#literalOrResize(first);
      if (header !== undefined) headers.set(header[0], header[1]);
    }
    return headers;
  }

  #literalOrResize(first: number): Header | undefined {
    if ((first & ADD_TO_TABLE) === 0 && first & RESIZE) {
      this.#limitBytes = this.#integer(5);
      this.#evict();
      return undefined;
    }
    const adds = (first & ADD_TO_TABLE) !== 0;
    const named = this.#integer(adds ? 6 : 4);
    const name = named === 0 ? this.#text() : this.#entry(named)[0];
    const header: Header = [name, this.#text()];
    if (adds) {
      this.#entries.unshift(header);
      this.#bytes += sizeOf(header);
      this.#evict();
    }
    return header;
  }

  #entry(index: number): Header {
    const status = STATUSES[index - FIRST_STATUS];
    if (status !== undefined && index >= FIRST_STATUS) return [":status", status];
    return this.#entries[index - STATIC_ENTRIES - 1] ?? ["", ""];
  }

  #evict(): void {
    while (this.#bytes > this.#limitBytes) {
      const last = this.#entries.pop();
      this.#bytes = last ? this.#bytes - sizeOf(last) : 0;
    }
  }

  #integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = (this.#block[this.#at++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#block[this.#at++] ?? 0;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  #text(): string {
    const huffman = ((this.#block[this.#at] ?? 0) & HUFFMAN) !== 0;
    const length = this.#integer(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    this.#at += length;
    return huffman ? huffmanText(bytes) : bytes.toString("latin1");
  }
}

function sizeOf([name, value]: Header): number {
  return name.length + value.length + ENTRY_BYTES;
}

/** The characters of the Huffman code by the length of their codes; those of one length follow each other in both. */
const CODES: readonly (readonly [bits: number, characters: string])[] = [
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\0$@[]~"],
  [14, "^}"],
  [15, "<`{"],
];
const LONGEST_CODE_BITS = 15;
const CHARACTERS: ReadonlyMap<number, string> = codeTable();

/** By the code with a one in front of it, so that codes of different lengths differ. */
function codeTable(): ReadonlyMap<number, string> {
  const table = new Map<number, string>();
  let code = 0;
  let length = 0;
  for (const [bits, characters] of CODES) {
    code <<= bits - length;
    length = bits;
    for (const character of characters) table.set((1 << bits) | code++, character);
  }
  return table;
}

/** @returns the text; only its beginning where it holds what gRPC never sends. */
function huffmanText(bytes: Buffer): string {
  let text = "";
  let code = 1;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1);
      const character = CHARACTERS.get(code);
      if (character !== undefined) {
        text += character;
        code = 1;
      } else if (code >= 1 << (LONGEST_CODE_BITS + 1)) return text;
    }
  }
  return text;
}
