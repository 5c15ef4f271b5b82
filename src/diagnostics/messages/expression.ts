import type { Severity } from "../diagnostic.ts";

/**
 * P12xx: expressions and the texts that hold them. A message here has no place of its own: the compiler of expressions adds where in the
 * text it is, and whoever called it where the text stands in a file.
 */
export interface Finding {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}

function error(code: string, message: string, help?: string): Finding {
  return { severity: "error", code, message, ...(help === undefined ? {} : { help }) };
}

function warning(code: string, message: string, help?: string): Finding {
  return { ...error(code, message, help), severity: "warning" };
}

function meant(suggestion: string | undefined, otherwise: string): string {
  return suggestion === undefined ? otherwise : `did you mean \`${suggestion}\`?`;
}

/** "an int", "a string". */
function a(noun: string): string {
  return `${/^[aeio]/.test(noun) ? "an" : "a"} ${noun}`;
}

// ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** P1201: a name that is no attribute, definition or variable. */
export function unknownAttribute(name: string, suggestion: string | undefined): Finding {
  const otherwise = "see docs/attributes.md for the names there are; `define:` and `attributes.yaml` add to them";
  return error("P1201", `unknown attribute \`${name}\``, meant(suggestion, otherwise));
}

/** Single words of other languages, and what CEL or Weir has for them. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["true", "write `true`"],
  ["false", "write `false`"],
  ["null", "write `null`"],
  ["none", "`has(…)` tells whether something is there"],
  ["nil", "`has(…)` tells whether something is there"],
  ["undefined", "`has(…)` tells whether something is there"],
  ["now", "`request.time` is when the request arrived"],
]);

/** P1201: a text was meant, and its quotes forgotten; or the word of another language. */
export function textWithoutQuotes(name: string): Finding {
  const known = WORDS.get(name.toLowerCase());
  if (known !== undefined) return error("P1201", `unknown attribute \`${name}\``, known);
  return error("P1201", `unknown attribute \`${name}\``, `if it is a text, put it in quotes: \`"${name}"\``);
}

/** P1201: `request.headers.x-user`, which takes `user` from something. */
export function dashInKey(map: string, key: string): Finding {
  const message = `\`${map}.${key}\` is a subtraction to CEL, not a name`;
  return error("P1201", message, `write \`${map}["${key}"]\``);
}

/** P1201: a definition that stands further down. */
export function definedBelow(name: string): Finding {
  const help = "each definition may use those above it: move this one down";
  return error("P1201", `\`${name}\` is defined only further down`, help);
}

/** P1201: the name of a function stands where a value is needed. */
export function functionAsValue(name: string, form: string): Finding {
  return error("P1201", `\`${name}\` is a function, not an attribute`, `call it: \`${form}\``);
}

/** P1202: a call of something that does not exist. */
export function unknownFunction(name: string, suggestion: string | undefined): Finding {
  return error(
    "P1202",
    `unknown function \`${name}\``,
    meant(suggestion, "see docs/cel.md for the functions there are"),
  );
}

/** P1203: `request.auth` alone, which is only the beginning of names. */
export function attributeGroup(name: string, members: readonly string[]): Finding {
  const list = members.map((member) => `\`${member}\``).join(", ");
  return error("P1203", `\`${name}\` is a group of attributes, not a value`, `name one of them: ${list}`);
}

/** P1204: `startsWith(a, b)` for `a.startsWith(b)`, or the other way round. */
export function otherForm(name: string, form: string): Finding {
  return error("P1204", `\`${name}\` is not called like this`, `write \`${form}\``);
}

/** P1205: a function with too few or too many arguments. */
export function argumentCount(name: string, given: number, forms: readonly string[]): Finding {
  const count =
    given === 0 ? "be called without arguments" : given === 1 ? "take one argument" : `take ${given} arguments`;
  return error("P1205", `\`${name}\` does not ${count}`, `it is ${formList(forms)}`);
}

/** P1206: the first argument of `exists`, `all`, `map`, `filter` names the element. */
export function variableNeeded(macro: string): Finding {
  return error(
    "P1206",
    `the first argument of \`${macro}\` names the element`,
    `a plain name, as in \`list.${macro}(x, …)\``,
  );
}

/** P1207: `has()` asks for the last step of one path. */
export function hasNeedsPath(several: boolean): Finding {
  const help = several
    ? "join several with `&&`: `has(a.b) && has(a.c)`"
    : 'for a key with odd characters write `"key" in map`';
  return error("P1207", `\`has()\` takes an attribute or a field${several ? ", one at a time" : ""}`, help);
}

/** P1208: a word that CEL keeps for itself. */
export function reservedName(name: string): Finding {
  return error("P1208", `\`${name}\` is a reserved word`, "no attribute or variable can have this name");
}

/** P1209: an attribute with brackets behind it. */
export function attributeCalled(name: string): Finding {
  return error("P1209", `\`${name}\` is an attribute, not a function`, "leave out the brackets");
}

/** Ways to call a function that a message shows. */
const MAX_FORMS = 3;

function formList(forms: readonly string[]): string {
  const shown = forms.slice(0, MAX_FORMS).map((form) => `\`${form}\``);
  return `${shown.join(" or ")}${forms.length > MAX_FORMS ? " …" : ""}`;
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** P1210: nothing there. */
export function empty(): Finding {
  return error("P1210", "this expression is empty", "write a condition, or remove the key");
}

/** P1211: longer than anybody reads. */
export function tooLong(length: number, limit: { readonly length: number; readonly unit: string }): Finding {
  const help = "split it with `define:`, or compare with a list of constants: `x in names`";
  return error("P1211", `this expression has ${length} ${limit.unit}; it may have ${limit.length}`, help);
}

/** P1212: brackets in brackets in brackets. */
export function tooDeep(limit: number): Finding {
  return error("P1212", `this expression is nested more than ${limit} levels deep`, "split it with `define:`");
}

/** P1213: a sign or word of another language. */
export function wrongToken(found: string, right: string): Finding {
  return error("P1213", `\`${found}\` is not part of CEL`, `write \`${right}\``);
}

/** P1214: a text without its end. */
export function unterminatedText(quote: string): Finding {
  return error("P1214", `this text is never closed`, `add ${quote} where it ends`);
}

/** P1215: a character that means nothing here. */
export function strangeCharacter(character: string): Finding {
  return error("P1215", `${characterInWords(character)} cannot stand in an expression`, strangeHelp(character));
}

function characterInWords(character: string): string {
  if (character === "`") return "a backtick";
  // What cannot be seen is named by its number.
  if (!/[\p{C}\p{Z}]/u.test(character)) return `\`${character}\``;
  return `the invisible character U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

function strangeHelp(character: string): string {
  if (character === "`") return 'texts stand in straight quotes, `"…"`, and so do keys: `map["x-user"]`';
  if ("“”‘’„«»".includes(character)) return 'write straight quotes: `"…"`';
  if (character === "$") return "an expression stands here already: leave the `$` and its braces out";
  if (character === "#") return "a comment in an expression begins with `//`";
  if (/[\p{C}\p{Z}]/u.test(character)) return "delete it: it may have come along when the text was copied";
  return "inside of a text it needs quotes around it";
}

/** P1216: something else was due. */
export function unexpectedToken(found: string, expected: string): Finding {
  return error("P1216", `${expected} is due here, not ${found}`);
}

/** P1217: the text ends too early. */
export function endsEarly(expected: string): Finding {
  return error("P1217", `the expression ends where ${expected} is due`);
}

/** P1218: an escape that texts do not have. */
export function badEscape(found: string): Finding {
  const help = 'a backslash in a text is written `\\\\`; `r"…"` takes every character as it is';
  return error("P1218", `\`${found}\` is not an escape`, help);
}

/** P1219: a number that no type holds, or that is none. */
export function badNumber(text: string, help: string): Finding {
  return error("P1219", `\`${text}\` is not a number that CEL has`, help);
}

/** P1220: two values side by side. */
export function operatorMissing(found: string): Finding {
  const help = /^(matches|contains|startsWith|endsWith|glob)$/.test(found)
    ? `write \`text.${found}(…)\``
    : "such as `&&`, `||`, `==` or `in`";
  return error("P1220", `an operator is missing before \`${found}\``, help);
}

/** P1221: a list or map with more entries than anybody writes. */
export function tooManyEntries(limit: number): Finding {
  return error("P1221", `a list or map has more than ${limit} entries`, "an adapter such as `list` holds long lists");
}

/** P1222: a `${` without its `}`. */
export function unclosedPlaceholder(): Finding {
  return error(
    "P1222",
    "this `${` is never closed",
    "add `}` after the expression, or write `$${` for the two characters themselves",
  );
}

/** P1223: nothing between the braces. */
export function emptyPlaceholder(): Finding {
  return error(
    "P1223",
    "there is no expression between these braces",
    "write one, or `$$` and `{` for the characters themselves",
  );
}

/** P1225: definitions written out into each other have become too much. */
export function tooLarge(limit: number): Finding {
  const help = "definitions are written out where they are used: use fewer of them inside each other";
  return error("P1225", `this expression has more than ${limit} parts once its definitions are written out`, help);
}

// ── Types ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** P1230: the place needs another type. `needed` is what fits, in words. */
export function wrongResult(needed: string, found: string, help: string | undefined): Finding {
  return error("P1230", `this must be ${needed}, and it is ${a(found)}`, help);
}

/** P1231: an operator between types it does not join. */
export function operatorTypes(operator: string, types: readonly string[], help: string | undefined): Finding {
  return error("P1231", `\`${operator}\` does not work on ${types.map(a).join(" and ")}`, help);
}

/** P1232: a function called with types it does not take. */
export function argumentTypes(
  name: string,
  receiver: string | undefined,
  types: readonly string[],
  forms: readonly string[],
): Finding {
  const isSought = name === "contains" && receiver?.startsWith("list") === true;
  const help = isSought ? "write `value in list`" : `it is ${formList(forms)}`;
  if (receiver !== undefined && types.length === 0) return error("P1232", `${a(receiver)} has no \`${name}\``, help);
  const of = receiver === undefined ? "" : ` of ${a(receiver)}`;
  return error("P1232", `\`${name}\`${of} does not take ${types.map(a).join(" and ")}`, help);
}

/** P1233: a condition that is neither true nor false. */
export function conditionNeeded(where: string, found: string): Finding {
  return error("P1233", `${where} must be a bool, and this is ${a(found)}`, "compare it with something: `… == …`");
}

/** P1234: the two sides of `? :` differ. */
export function branchesDiffer(then: string, otherwise: string): Finding {
  const help = "make both the same type, or wrap them in `dyn(…)`";
  return error("P1234", `one side of \`? :\` is ${a(then)}, the other ${a(otherwise)}`, help);
}

/** P1235: `.field` or `[…]` of something that has neither. */
export function noFields(found: string, help = "only maps and lists do"): Finding {
  return error("P1235", `${a(found)} has no fields or elements`, help);
}

/** P1236: an index of the wrong type. */
export function indexType(container: string, needed: string, found: string): Finding {
  return error("P1236", `${a(container)} is indexed by ${needed}, and this is ${a(found)}`);
}

/** P1237: a loop over something that has no elements. */
export function notARange(found: string): Finding {
  return error("P1237", `${a(found)} has no elements to walk through`, "only lists and maps do");
}

/** P1238: an optional function on something that is none. */
export function optionalNeeded(found: string): Finding {
  return error("P1238", `an optional is needed here, and this is ${a(found)}`, "`a.?b` and `a[?k]` give one");
}

/** P1228: `Type{field: value}`. */
export function noMessages(name: string): Finding {
  return error("P1228", `\`${name}{…}\` makes a message, and there are none here`, 'a map is written `{"key": value}`');
}

/** P1229: what `transformMapEntry` puts together must be maps. */
export function entryNeeded(found: string): Finding {
  return error("P1229", `an entry is written as a map, and this is ${a(found)}`, "`{key: value}`");
}

/** P1240: a value in a text that has no text form. */
export function notShowable(found: string): Finding {
  const help = "name one of its elements, or make a text of it";
  return error("P1240", `${a(found)} cannot be shown in a text`, help);
}

/** P1241: a text that is nothing but the name of an attribute. */
export function attributeAsText(name: string): Finding {
  const help = `if its value is meant, write \`$\{${name}}\``;
  return warning("P1241", `this is the text \`${name}\`, not the attribute`, help);
}

// ── Values known at load ─────────────────────────────────────────────────────────────────────────────────────────

/** P1250: a constant part that can only be an error when it is evaluated. */
export function alwaysFails(text: string, reason: string): Finding {
  return warning("P1250", `\`${text}\` always fails: ${reason}`, "a rule that reads it cannot be decided");
}

/** P1255: an expression that may take longer than a request has. */
export function tooCostly(steps: number, limit: number): Finding {
  const help = "walk through fewer things, not through lists within lists; docs/cel.md says what each function costs";
  return error("P1255", `this may take ${thousands(steps)} steps, and a request has ${thousands(limit)}`, help);
}

/** Digits in groups of three; more than a billion is only that. */
function thousands(steps: number): string {
  return steps > 1e9 ? "more than a billion" : String(Math.ceil(steps)).replace(/(?<=\d)(?=(?:\d{3})+$)/g, ",");
}

/** P1256: a condition that is the same for every request. */
export function alwaysIs(text: string, value: boolean): Finding {
  const help = "a condition that is meant to be constant is written `true` or `false`";
  return warning("P1256", `\`${text}\` is ${value} for every request`, help);
}

/** P1257: a condition that no request can make true. */
export function neverTrue(text: string, why: string): Finding {
  return warning("P1257", `\`${text}\` is never true: ${why}`, "a rule that asks for it never applies");
}

/** P1258: two variables of one loop with the same name. */
export function sameVariable(name: string): Finding {
  return error("P1258", `both variables are named \`${name}\``, "the second one needs another name");
}

/** P1251: a regular expression or glob that does not compile. */
export function badPattern(reason: string): Finding {
  const help = 'RE2 syntax: no look-around, no back references; `\\\\.` is a dot, or write `r"\\."`';
  return error("P1251", `this is not a regular expression: ${reason}`, help);
}

/** P1252: a pattern that only the request knows. */
export function patternNotConstant(name: string): Finding {
  const help = "compiling a pattern takes too long for a request; `contains`, `startsWith` and `==` take any text";
  return error("P1252", `the pattern of \`${name}\` must be a constant`, help);
}

/** P1254: a constant time zone that does not exist. */
export function unknownZone(name: string): Finding {
  const help = "name one such as `Europe/Paris`, or an offset such as `+02:00`";
  return error("P1254", `there is no time zone \`${name}\``, help);
}

/** P1253: a regular expression whose machine is too large. */
export function patternTooLarge(reason: string, limit: number): Finding {
  return error("P1253", `this pattern is too large: ${reason}, and ${limit} are allowed`, "repeat less, or split it");
}

/** P1259: patterns that are each small enough, and too many for one expression. */
export function patternsTooLarge(): Finding {
  const help = "split the expression, or write texts and their common beginnings without a pattern";
  return error("P1259", "the patterns of this expression, up to this one, take too long to compile", help);
}

/** P1265: a type of maps of maps of maps, which doubles with each. */
export function typeTooLarge(limit: number): Finding {
  return error("P1265", `the type of this is made of more than ${limit} types`, "put `dyn(…)` around what is in it");
}

/** P1260: a text whose clauses `format` does not know. */
export function badFormatText(reason: string): Finding {
  const help =
    "`%s` shows anything, `%d` `%f` `%e` `%.2f` numbers, `%b` `%o` `%x` `%X` other bases, `%%` is a percent sign";
  return error("P1260", `this is not a format text: ${reason}`, help);
}

/** P1261: a format text that shows more or fewer values than stand in its list. */
export function formatCount(clauses: number, values: number): Finding {
  const shown = clauses === 1 ? "one value" : `${clauses} values`;
  const help = "each clause such as `%s` shows one value of the list, in its order";
  return error("P1261", `the format text shows ${shown}, and the list has ${values}`, help);
}

/** P1262: a clause, by its letter, over a value of a type that it does not show. */
export function formatClause(letter: string, found: string): Finding {
  const help = letter === "s" ? "show a part of it instead" : "`%s` shows values of most types";
  return error("P1262", `\`%${letter}\` does not show ${a(found)}`, help);
}

/** P1263: something that is written and no number, where the greatest or least of numbers is wanted. */
export function numberNeeded(name: string): Finding {
  return error("P1263", `\`${name}\` takes numbers, and this is not one`);
}

/** P1264: an empty list, which has no greatest and no least number. */
export function noNumbers(name: string): Finding {
  return error("P1264", `\`${name}\` of an empty list is no number`, "give it at least one number");
}

/** P1267: a written text that is read as an IP address and is none. */
export function notAnAddress(text: string): Finding {
  const help = "such as `10.0.0.1` or `2001:db8::1`: no zone, no leading zeros, and IPv4 not within IPv6";
  return error("P1267", `\`${text}\` is not an IP address`, help);
}

/** P1268: a written text that is read as a network and is none. */
export function notANetwork(text: string): Finding {
  const help = "such as `10.0.0.0/8` or `2001:db8::/32`";
  return error("P1268", `\`${text}\` is not a network`, help);
}

/** P1269: a key that stands twice in one map literal. */
export function duplicateKey(key: string): Finding {
  return error("P1269", `this map has the key ${key} twice`, "only one of them can count: leave out the other");
}

// ── Evaluated by itself ──────────────────────────────────────────────────────────────────────────────────────────

/** P1290: an expression that is an error where it was evaluated. */
export function evaluationFails(reason: string, help: string | undefined): Finding {
  return error("P1290", reason, help);
}

/** P1291: an attribute that was read and is absent. */
export function noSuchAttribute(name: string): Finding {
  const help = `give it a value, or say what its absence means: \`has(${name})\`, \`${name}.orDefault(…)\``;
  return error("P1291", `no such attribute: ${name}`, help);
}

/** P1292: a key that was read and is absent. */
export function noSuchKey(key: string): Finding {
  return error(
    "P1292",
    `no such key: ${key}`,
    "`key in map`, `map.get(key, default)` and `map[?key]` have an answer for absence",
  );
}
