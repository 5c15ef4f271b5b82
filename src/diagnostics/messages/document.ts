import type { Diagnostic, Span } from "../diagnostic.ts";
import { error } from "../error.ts";

/** P10xx: the folder, its files, and what YAML makes of them before any key is looked at. */

/** P1001: a folder without a single policy would answer every request with `unmatched`. */
export function emptyFolder(span: Span | undefined): Diagnostic {
  const settings = span === undefined ? "add `weir.yaml` and a policy file" : "add a policy file";
  const help = `${settings}, or write \`allow-empty: true\` in \`weir.yaml\` if that is meant`;
  return error("P1001", span, "this folder holds no policy", help);
}

/** P1002: the folder lost its settings, or never had any. */
export function settingsMissing(span: Span): Diagnostic {
  return error(
    "P1002",
    span,
    "this folder has no `weir.yaml`",
    "add `weir.yaml` at its root; an empty one takes every default",
  );
}

/** P1003: a file whose name has a meaning stands where it has none. */
export function misplacedFile(span: Span, name: string, root: string): Diagnostic {
  return error(
    "P1003",
    span,
    `\`${name}\` is not read here`,
    `there is one \`${root}\`, at the root of the folder: move or rename this file`,
  );
}

/** P1004: a FIFO, device or socket. */
export function notAFile(span: Span, kind: string): Diagnostic {
  return error(
    "P1004",
    span,
    `this is a ${kind}, not a file`,
    "policies are regular files: remove it or give it another ending",
  );
}

/** P1005: a symlink out of the folder. */
export function symlinkOutside(span: Span, target: string): Diagnostic {
  const help = "symlinks are followed inside the folder only: copy the file, or mount the folder that holds both";
  return error("P1005", span, `this symlink leaves the policy folder for \`${target}\``, help);
}

/** P1006: a symlink to nothing. */
export function symlinkBroken(span: Span, target: string): Diagnostic {
  return error(
    "P1006",
    span,
    `this symlink leads nowhere: there is no \`${target}\``,
    "remove it, or put back what it pointed to",
  );
}

/** P1007: a symlink to a folder that holds it. */
export function symlinkCycle(span: Span, target: string): Diagnostic {
  return error("P1007", span, `this symlink leads back to \`${target}\`, which holds it`, "remove it");
}

/** P1008: one file over the limit. */
export function fileTooLarge(span: Span, size: number, limit: number): Diagnostic {
  const help = `a file may have ${limit} bytes: split it into several policies`;
  return error("P1008", span, `this file has ${size} bytes`, help);
}

/** P1009: all files together over the limit. */
export function folderTooLarge(limit: number): Diagnostic {
  const help = "is this the folder you meant? policies are usually a few kilobytes each";
  return error("P1009", undefined, `the files of this folder have more than ${limit} bytes together`, help);
}

/** P1010: more files or folders than anybody writes. */
export function tooManyFiles(limit: number): Diagnostic {
  const help = "is this the folder you meant?";
  return error("P1010", undefined, `this folder holds more than ${limit} policy files and folders`, help);
}

/** P1011: folders nested beyond the limit. */
export function tooDeep(span: Span, limit: number): Diagnostic {
  return error("P1011", span, `folders are nested more than ${limit} deep here`, "move these policies up");
}

/** P1012: bytes that are not text. */
export function notUtf8(span: Span, byte: number, line: number): Diagnostic {
  return error("P1012", span, `byte ${byte + 1} of this file, on line ${line}, is not UTF-8`, "save the file as UTF-8");
}

/** P1013: a byte order mark. */
export function byteOrderMark(span: Span): Diagnostic {
  return error("P1013", span, "this file begins with a byte order mark", "save it as UTF-8 without a byte order mark");
}

/** P1014: the operating system refused. */
export function unreadable(span: Span | undefined, reason: string): Diagnostic {
  return error("P1014", span, `cannot read this: ${reason}`, "check that the user Weir runs as may read it");
}

/** P1015: something goes on writing. */
export function keepsChanging(tries: number): Diagnostic {
  const help = "wait until what writes here is done; a folder is used only when two readings in a row agree";
  return error("P1015", undefined, `this folder kept changing through ${tries} readings`, help);
}

/** P1016: no folder there. */
export function noSuchFolder(path: string): Diagnostic {
  return error("P1016", undefined, `there is no folder \`${path}\``, "name the folder that holds `weir.yaml`");
}

/** P1017: a policy file without any content. */
export function emptyFile(span: Span): Diagnostic {
  return error("P1017", span, "this file is empty", "begin it with `policy:` and a name, or remove it");
}

/** P1018: compiling ended before anything was known of the policies. */
export function notCompiled(why: string): Diagnostic {
  const help = "the folder is looked at again by itself; where it is too large for one engine, give it fewer policies";
  return error("P1018", undefined, `these policies could not be compiled: ${why}`, help);
}

/** P1020: YAML cannot read it, in a way that has no words of its own. */
export function notYaml(span: Span, reason: string): Diagnostic {
  return error(
    "P1020",
    span,
    `this is not YAML: ${reason}`,
    "an expression with odd characters is safest in quotes or after `|`",
  );
}

/** P1021: `!` begins a tag in YAML. */
export function tag(span: Span, text: string, quoted: string | undefined): Diagnostic {
  if (quoted === undefined)
    return error("P1021", span, `\`${text}\` is a YAML tag, and tags mean nothing here`, "remove it");
  return error(
    "P1021",
    span,
    `\`${text}\` is a tag to YAML, not an expression`,
    `quote the whole expression: \`${quoted}\``,
  );
}

/** P1022: one key twice in one map. */
export function duplicateKey(span: Span, key: string): Diagnostic {
  return error("P1022", span, `\`${key}\` is given twice`, "keep one of them; YAML would silently take the last");
}

/** P1023: `---` in the middle of a file. */
export function severalDocuments(span: Span): Diagnostic {
  return error(
    "P1023",
    span,
    "a second document begins here",
    "one file holds one policy: put what follows into a file of its own",
  );
}

/** P1024: `*a` without `&a` before it. */
export function unknownAlias(span: Span, name: string, quoted: string | undefined): Diagnostic {
  const help =
    quoted === undefined
      ? `define it before with \`&${name}\``
      : `if it is part of an expression, quote the whole: \`${quoted}\``;
  return error("P1024", span, `\`*${name}\` refers to an anchor that is not defined above`, help);
}

/** P1025: more sharing than a person can follow, or a bomb. */
export function tooManyAliases(span: Span, limit: number): Diagnostic {
  return error(
    "P1025",
    span,
    `this file has more than ${limit} anchors and aliases`,
    "write the values out, or use `define:`",
  );
}

/** P1026: an alias inside of what another alias repeats. */
export function nestedAlias(span: Span, name: string): Diagnostic {
  return error(
    "P1026",
    span,
    `\`*${name}\` stands inside an anchored value`,
    "aliases are not nested: write the value out",
  );
}

/** P1027: `<<`. */
export function mergeKey(span: Span): Diagnostic {
  return error("P1027", span, "merge keys (`<<`) are not read", "write the keys out");
}

/** P1028: a key that YAML reads as something else than text. */
export function keyNotText(span: Span, key: string): Diagnostic {
  return error("P1028", span, `the key \`${key}\` is not text`, `quote it: \`"${key}"\``);
}

/** P1029: a key that is a list or a map. */
export function keyNotScalar(span: Span): Diagnostic {
  return error(
    "P1029",
    span,
    "a list or map cannot be a key",
    "if this is an expression, quote it or put it after `|`",
  );
}

/** P1030: ` #` began a comment in the middle of an expression. */
export function commentCut(span: Span, quoted: string | undefined): Diagnostic {
  const help = quoted === undefined ? "quote the whole value, or put it after `|`" : `quote the whole: \`${quoted}\``;
  return error(
    "P1030",
    span,
    "` #` begins a comment in YAML: the value ends before it, in the middle of a quoted text",
    help,
  );
}

/** P1031: CEL inside `{ … }`. */
export function inlineMap(span: Span): Diagnostic {
  const help = "write the map in block style, one `key: value` a line, or quote the expression";
  return error(
    "P1031",
    span,
    "to YAML the value ends here: inside `{ }` and `[ ]` it reads brackets, commas, colons and quotes itself",
    help,
  );
}

/** P1032: `: ` inside a plain value. */
export function colonInValue(span: Span, quoted: string): Diagnostic {
  const help = `quote the whole: \`${quoted}\``;
  return error(
    "P1032",
    span,
    "a colon before a space ends a key in YAML, so this value cannot stand without quotes",
    help,
  );
}

/** P1033: a value that begins with a quoted text or a list and goes on. */
export function textAfterEnd(span: Span, closed: string, quoted: string): Diagnostic {
  return error(
    "P1033",
    span,
    `to YAML the value ended at ${closed}, and more follows`,
    `quote the whole: \`${quoted}\``,
  );
}

/** P1034: a character that cannot begin a plain value. */
export function specialStart(span: Span, character: string, quoted: string): Diagnostic {
  return error("P1034", span, `a value cannot begin with \`${character}\` in YAML`, `quote it: \`${quoted}\``);
}

/** P1035: text on the line of `|` or `>`. */
export function blockHeader(span: Span, indicator: string): Diagnostic {
  const help = "begin the text on the next line, indented; if this is an expression, quote it";
  return error(
    "P1035",
    span,
    `\`${indicator}\` begins a block of text in YAML, and this stands on the same line`,
    help,
  );
}

/** P1036: an escape that double quotes do not have. */
export function badEscape(span: Span, written: string): Diagnostic {
  const help = `write \`\\${written}\`, or use single quotes or \`|\`, where a backslash is itself`;
  return error("P1036", span, `\`${written}\` is not an escape of a double-quoted YAML text`, help);
}

/** P1037: a quote without its end. */
export function unclosedQuote(span: Span, quote: string): Diagnostic {
  return error("P1037", span, "this quote is never closed", `add a \`${quote}\` where the value ends`);
}

/** P1038: a bracket without its end. */
export function unclosedBracket(span: Span, open: string, close: string): Diagnostic {
  return error(
    "P1038",
    span,
    `this \`${open}\` is never closed`,
    `add \`${close}\`; if it begins an expression, quote the whole`,
  );
}

/** P1039: a tab where YAML counts spaces. */
export function tabIndent(span: Span): Diagnostic {
  return error("P1039", span, "a tab cannot indent in YAML", "indent with spaces");
}

/** P1040: a line that belongs to nothing. */
export function badIndent(span: Span): Diagnostic {
  return error(
    "P1040",
    span,
    "this line is indented differently from its neighbours",
    "align it with the keys it belongs to",
  );
}

/** P1041: a word where `key: value` is due. */
export function colonMissing(span: Span, text: string, belowBlock = false): Diagnostic {
  const help = belowBlock
    ? "the text of a block stands below its key, indented more than the key"
    : "a colon and a space stand between a key and its value";
  return error("P1041", span, `\`${text}\` is neither \`key: value\` nor \`- item\``, help);
}

/** P1043: `-deny: a` is a key that begins with a dash. */
export function dashGlued(span: Span, text: string): Diagnostic {
  return error("P1043", span, `\`${text}\` is a key to YAML, not an item`, `write \`- ${text.slice(1)}\``);
}

/** P1042: nesting no person writes. */
export function nestedTooDeep(span: Span, limit: number): Diagnostic {
  return error("P1042", span, `lists and maps are nested more than ${limit} deep here`, "write it flatter");
}
